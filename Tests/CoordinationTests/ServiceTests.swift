import Coordination
import Foundation
import Synchronization
import Testing
import Wire
import ZeroMQ

@Suite(.serialized) struct `A cluster on the loopback` {
    static let steps = 12

    /// What one worker makes of it, without a network.
    static let expected: [Float] = {
        let learner = StraightLineLearner()
        let master = StraightLineMaster(totalSteps: steps)
        while master.step < steps {
            master.withWeights { learner.use(weights: $0, step: master.step) }
            var sums = PartialSums(over: 0..<StraightLine.slots, in: SlotTree(slotCount: StraightLine.slots))
            for slot in 0..<StraightLine.slots {
                let gradient = FlatFloats(count: learner.parameterCount)
                _ = try? learner.gradient(of: slot, step: master.step, lossScale: 1, into: gradient.elements)
                for (_, sum) in sums.add(gradient, of: slot) {
                    let outcomes = (0..<StraightLine.slots).map {
                        SlotOutcome(slot: $0, samples: 2, loss: 0, squaredGradientNorm: 0, sampleNames: [])
                    }
                    _ = try? master.apply(
                        sum.elements,
                        StepContribution(
                            step: master.step, round: 0, outcomes: outcomes, leftOut: [], seconds: 0, shares: []))
                }
            }
        }
        return master.weights
    }()

    @Test(arguments: [1, 2, 3, 5])
    func `makes the same bits with any number of workers`(count: Int) throws {
        let master = StraightLineMaster(totalSteps: Self.steps)
        let service = try CoordinatorService(
            LoopbackCluster.configuration(minimumWorkers: count), master: master, observe: { _ in })
        let workers = try (1...count).map { try LoopbackWorker("w\($0)", at: service.address) }
        #expect(try service.run() == .complete)
        #expect(master.weights == Self.expected)
        for worker in workers {
            #expect(try worker.end() == .dismissed(finished: true, reason: "the run is complete"))
        }
        #expect(Set(master.contributions.flatMap { $0.shares.map(\.worker) }).count == count)
        #expect(service.dropped == Coordinator.Dropped())
    }
}
