import Coordination
import Foundation
import Recipe
import Testing
import Wire

@Suite(.serialized) struct `A cluster that rounds its gradients` {
    private static let steps = 60

    private static let exact = Result { try run(.fp32, .star) }.map { (weights: $0.weights, loss: loss($0)) }

    private static func run(_ format: GradientFormat, _ topology: Topology) throws -> StraightLineMaster {
        var configuration = LoopbackCluster.configuration(minimumWorkers: 3)
        configuration.gradientFormat = format
        configuration.topology = topology
        let master = StraightLineMaster(totalSteps: Self.steps)
        let service = try CoordinatorService(configuration, master: master, observe: { _ in })
        let workers = try (1...3).map {
            try LoopbackWorker("w\($0)", at: service.address, hasDataPort: topology == .sharded)
        }
        #expect(try service.run() == .complete)
        for worker in workers { _ = try worker.end() }
        #expect(service.dropped.absurd == 0 && service.dropped.malformed == 0)
        return master
    }

    /// Of the last ten steps.
    private static func loss(_ master: StraightLineMaster) -> Double {
        let last = master.contributions.suffix(10).map { $0.outcomes.reduce(0) { $0 + $1.loss } }
        return last.reduce(0, +) / 10
    }

    @Test(arguments: [GradientFormat.bf16, .int8], [Topology.star, .sharded])
    func `finds the straight line as one that does not`(format: GradientFormat, topology: Topology) throws {
        let (exact, rounded) = (try Self.exact.get(), try Self.run(format, topology))
        #expect(rounded.contributions.allSatisfy { $0.isSharded == (topology == .sharded) })
        #expect(rounded.weights != exact.weights)
        let first = rounded.contributions[0].outcomes.reduce(0) { $0 + $1.loss }
        #expect(Self.loss(rounded) < 0.25 * first && abs(Self.loss(rounded) - exact.loss) < 0.01 * first)
        let off = zip(rounded.weights, exact.weights).map { abs($0 - $1) }.max() ?? .infinity
        #expect(off < 0.05)
    }

    @Test func `takes no gradient of another format or length`() throws {
        var configuration = LoopbackCluster.configuration()
        configuration.gradientFormat = .int8
        configuration.patience.dead = .milliseconds(500)
        let running = try RunningCoordinator(configuration, StraightLineMaster(totalSteps: 1)) { _ in }
        let worker = try HandmadeWorker(at: running.address)
        let (lease, bulk) = try worker.join("w")
        // Floats as they are; then the right format, with a block that nobody writes, and a byte too few.
        try bulk.sendChunk(0, of: lease)
        for bytes in [[UInt8](repeating: 0xFF, count: 260), [UInt8](repeating: 0, count: 259)] {
            try bulk.sendChunk(0, of: lease, .blockInt8, bytes)
        }
        let good = try LoopbackWorker("good", at: running.address)
        let result = try running.result()
        #expect(result.finish == .complete && result.dropped.malformed == 3)
        _ = try good.end()
    }
}
