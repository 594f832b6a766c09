import Coordination
import Foundation
import Recipe
import Testing
import Wire

@Suite(.serialized) struct `Workers that add up among themselves` {
    private static let expected = `A cluster on the loopback`.expected
    private static let steps = `A cluster on the loopback`.steps

    private func configuration(_ workers: Int) -> CoordinatorService.Configuration {
        var configuration = LoopbackCluster.configuration(minimumWorkers: workers)
        configuration.topology = .sharded
        return configuration
    }

    @Test(arguments: [2, 3, 5]) func `make the bits of a star`(count: Int) throws {
        let master = StraightLineMaster(totalSteps: Self.steps)
        let service = try CoordinatorService(configuration(count), master: master, observe: { _ in })
        let workers = try (1...count).map {
            try LoopbackWorker("w\($0)", at: service.address, hasDataPort: true)
        }
        #expect(try service.run() == .complete)
        #expect(master.weights == Self.expected)
        #expect(master.contributions.filter(\.isSharded).count == Self.steps)
        for worker in workers { _ = try worker.end() }
    }

    @Test func `take in one that cannot be reached, whose sums go to the others`() throws {
        let master = StraightLineMaster(totalSteps: Self.steps)
        let service = try CoordinatorService(configuration(3), master: master, observe: { _ in })
        let workers = try (1...3).map {
            try LoopbackWorker("w\($0)", at: service.address, hasDataPort: $0 != 1)
        }
        #expect(try service.run() == .complete)
        #expect(master.weights == Self.expected)
        #expect(master.contributions.filter(\.isSharded).count == Self.steps)
        #expect(Set(master.contributions.flatMap { $0.shares.map(\.worker) }).count == 3)
        for worker in workers { _ = try worker.end() }
    }

    @Test func `Case 2: send the coordinator the shard of one that dies in the middle of a step, and nothing else`()
        throws
    {
        let running = try RunningCoordinator(configuration(3), StraightLineMaster(totalSteps: Self.steps)) { _ in }
        let workers = try (1...3).map { number in
            try LoopbackWorker("w\(number)", at: running.address, hasDataPort: true) { learner in
                guard number == 3 else {
                    // By the end of the first step all have found each other, so that three share the next ones.
                    learner.before = { step, _ in if step == 0 { Thread.sleep(forTimeInterval: 0.3) } }
                    return
                }
                learner.before = { step, _ in
                    // It has had its shard of two steps. A slot of its own is not yet anybody else's, so the step needs it.
                    if step >= 2 { throw LoopbackWorker.Late() }
                }
            }
        }
        let result = try running.result()
        #expect(result.finish == .complete)
        #expect(result.weights == Self.expected)
        #expect(result.contributions.first?.isSharded == true)
        #expect(!result.contributions.contains { !$0.isSharded })
        #expect(running.notes().contains { if case .adopted = $0 { true } else { false } })
        #expect(!running.notes().contains { if case .fellBack = $0 { true } else { false } })
        for worker in workers.prefix(2) { _ = try worker.end() }
        #expect(throws: LoopbackWorker.Late.self) { _ = try workers[2].end() }
    }

    @Test func `leave out a slot that is not finite anywhere, in all shards alike`() throws {
        func run(_ topology: Topology) throws -> StraightLineMaster {
            var configuration = configuration(3)
            configuration.topology = topology
            let master = StraightLineMaster(totalSteps: 3)
            let service = try CoordinatorService(configuration, master: master, observe: { _ in })
            let workers = try (1...3).map {
                try LoopbackWorker("w\($0)", at: service.address, hasDataPort: true) { learner in
                    learner.poisoned = { step, slot in step == 1 && slot == 2 }
                }
            }
            #expect(try service.run() == .complete)
            for worker in workers { _ = try worker.end() }
            return master
        }
        let (star, sharded) = (try run(.star), try run(.sharded))
        #expect(sharded.contributions.map(\.leftOut.count) == [0, 1, 0])
        #expect(sharded.contributions.map(\.isSharded) == [true, true, true])
        #expect(star.weights == sharded.weights)
    }
}
