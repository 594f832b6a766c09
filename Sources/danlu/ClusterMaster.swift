import Adapters
import Coordination
import Recipe
import Training
import Wire

/// The left tower's master as the right tower wants it.
final class ClusterMaster: Master {
    private let master: TrainingMaster
    private let report: (StepResult, StepContribution) -> Void

    /// - Parameter report: told of every step that was applied.
    init(_ master: TrainingMaster, report: @escaping (StepResult, StepContribution) -> Void) {
        self.master = master
        self.report = report
        shapeTableHash = master.table.hash
    }

    let shapeTableHash: String
    var parameterCount: Int { master.parameterCount }
    var step: Int { master.step }
    var totalSteps: Int { master.plan.totalSteps }
    var lossScale: Float { master.lossScale }

    func slotCount(of step: Int) -> Int { master.plan.slotCount(of: step) }

    func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try master.withWeights(body)
    }

    func apply(
        _ sum: UnsafeMutableBufferPointer<Float>, _ contribution: StepContribution
    ) throws -> StepVerdict {
        let slots = contribution.outcomes.map {
            SlotReport(samples: $0.samples, loss: $0.loss, squaredGradientNorm: $0.squaredGradientNorm)
        }
        let leftOut = contribution.leftOut.map { LeftOutSlot(samples: $0.sampleNames, group: $0.notFinite ?? "loss") }
        switch try master.apply(sum, slots: slots, leftOut: leftOut) {
        case .committed(let result):
            report(result, contribution)
            return .committed
        case .repeated(let reason): return .repeated(reason: reason)
        case .stopped(let advice): return .stopped(advice: advice)
        }
    }

    func save() throws { try master.saveState() }
}
