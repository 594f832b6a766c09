import Foundation
import Recipe
import Testing
import Wire

@testable import Coordination

@Suite(.serialized) struct `Weights that leave before their step is decided` {
    private struct Run {
        var weights: [Float]
        var contributions: [StepContribution]
        var foreseen: (steps: Int, cameTrue: Int)
    }

    private func run(
        _ topology: Topology, steps: Int = 6, foresees: Bool = true, clips: @escaping (Int) -> Bool = { _ in false },
        packing: Packing = .off, prepare: @escaping @Sendable (Int, StraightLineLearner) -> Void = { _, _ in }
    ) throws -> Run {
        var configuration = LoopbackCluster.configuration(minimumWorkers: 3)
        configuration.topology = topology
        configuration.packing = packing
        let master = StraightLineMaster(totalSteps: steps)
        master.foresees = foresees
        master.clips = clips
        let service = try CoordinatorService(configuration, master: master, observe: { _ in })
        let workers = try (1...3).map { number in
            try LoopbackWorker("w\(number)", at: service.address, hasDataPort: true) { prepare(number, $0) }
        }
        #expect(try service.run() == .complete)
        for worker in workers { _ = try? worker.end() }
        return Run(weights: master.weights, contributions: master.contributions, foreseen: service.foreseen)
    }

    @Test func `are those that the step leads to, and make the bits of a star`() throws {
        let star = try run(.star)
        let foreseen = try run(.sharded)
        #expect(foreseen.weights == star.weights)
        // Of the last step nobody needs them.
        #expect(foreseen.foreseen == (5, 5))
        #expect(star.foreseen == (0, 0))
        let unforeseen = try run(.sharded, foresees: false)
        #expect(unforeseen.weights == star.weights)
        #expect(unforeseen.foreseen == (0, 0))
    }

    @Test func `go as what has changed, in fewer bytes, and make the same bits`() throws {
        let star = try run(.star)
        let packed = try run(.sharded, packing: .on)
        #expect(packed.weights == star.weights)
        #expect(packed.foreseen == (5, 5))
        let clipped = { (step: Int) in step == 2 }
        let again = try run(.sharded, steps: 8, clips: clipped, packing: .on)
        #expect(try again.weights == run(.star, steps: 8, clips: clipped).weights)
        let mended = try run(
            .sharded, packing: .on,
            prepare: { number, learner in
                learner.before = { step, _ in if number == 2, step == 2 { throw LoopbackWorker.Late() } }
            })
        #expect(mended.weights == star.weights)
    }

    @Test func `are sent again where the gradient was clipped, and then left out for a while`() throws {
        let clips = { (step: Int) in step == 1 || step >= 4 }
        let star = try run(.star, steps: 12, clips: clips)
        let foreseen = try run(.sharded, steps: 12, clips: clips)
        #expect(foreseen.weights == star.weights)
        #expect(!foreseen.contributions.contains { !$0.isSharded })
        // Steps 0 and 3 come true. After 1, step 2 goes without; after 4, 5 does, after 6, 7 and 8, after 9 the rest.
        #expect(foreseen.foreseen == (6, 2))
    }

    @Test func `are given up where a worker dies in the step, and the bits are the same`() throws {
        let star = try run(.star)
        let foreseen = try run(
            .sharded,
            prepare: { number, learner in
                learner.before = { step, _ in if number == 2, step == 2 { throw LoopbackWorker.Late() } }
            })
        #expect(foreseen.weights == star.weights)
        #expect(foreseen.foreseen.cameTrue >= 2)
        #expect(foreseen.foreseen.cameTrue < foreseen.foreseen.steps)
    }

    @Test func `are given up where a slot is not finite`() throws {
        let poison: @Sendable (Int, StraightLineLearner) -> Void = { _, learner in
            learner.poisoned = { step, slot in step == 2 && slot == 3 }
        }
        let star = try run(.star, prepare: poison)
        let foreseen = try run(.sharded, prepare: poison)
        #expect(foreseen.weights == star.weights)
        #expect(foreseen.contributions.map(\.leftOut.count) == [0, 0, 1, 0, 0, 0])
        #expect(foreseen.foreseen.cameTrue == 4)
    }
}

@Suite struct `Trust in foresight` {
    /// Whether each step is foreseen, where it comes out as said.
    private func steps(_ cameTrue: [Bool]) -> [Bool] {
        var trust = ForesightTrust()
        return cameTrue.map { cameTrue in
            let isThere = trust.isThere()
            if isThere { trust.learn(cameTrue: cameTrue) }
            return isThere
        }
    }

    @Test func `is there as long as it is not disappointed`() {
        #expect(steps(Array(repeating: true, count: 5)) == Array(repeating: true, count: 5))
    }

    @Test func `rests twice as long after each disappointment, and no longer than 64 steps`() {
        let foreseen = steps(Array(repeating: false, count: 400)).enumerated().filter(\.element).map(\.offset)
        #expect(foreseen == [0, 2, 5, 10, 19, 36, 69, 134, 199, 264, 329, 394])
    }

    @Test func `is whole again after one step that came true`() {
        #expect(steps([false, true, true, true, false, true, true]) == [true, false, true, true, true, false, true])
    }
}

@Suite struct `Foreseen weights` {
    @Test func `are ready chunk by chunk, in the order in which their last number came`() {
        var weights = ForeseenWeights(step: 1, delivery: 2, count: 10, chunkBytes: 16)
        for index in 0..<10 { weights.floats.elements[index] = Float(index) }
        weights.wrote([8..<10])
        #expect(weights.ready == [2])
        weights.wrote([0..<3, 4..<6])
        #expect(weights.ready == [2])
        weights.wrote([6..<8])
        weights.wrote([3..<4])
        #expect(weights.ready == [2, 1, 0])
        #expect(weights.isComplete)
        let all = (0..<10).map(Float.init)
        #expect(all.withUnsafeBufferPointer { weights.areEqual(to: $0) })
        let checksums = OutgoingWeights(weights).checksums
        #expect(all.withUnsafeBufferPointer { OutgoingWeights(copying: $0, chunkBytes: 16).checksums } == checksums)
    }

    @Test func `are not those that differ in one bit, or of which one is unknown`() {
        var weights = ForeseenWeights(step: 1, delivery: 2, count: 3, chunkBytes: 8)
        for index in 0..<3 { weights.floats.elements[index] = 0 }
        weights.wrote([0..<2])
        #expect(![Float](repeating: 0, count: 3).withUnsafeBufferPointer { weights.areEqual(to: $0) })
        weights.wrote([2..<3])
        #expect([Float](repeating: 0, count: 3).withUnsafeBufferPointer { weights.areEqual(to: $0) })
        #expect(![0, -0.0, 0].withUnsafeBufferPointer { weights.areEqual(to: $0) })
    }
}
