import Adapters
import Coordination
import Foundation
import Journal
import Recipe
import Training
import Wire

/// The left tower's master as the right tower wants it.
final class ClusterMaster: Master {
    private let master: TrainingMaster
    private let report: (StepResult) -> Void
    private let journal: JournalWriter
    private let pictures: RunPictures
    private let validation: RunValidation
    private var contribution: StepContribution?
    private var foreseen: ForeseenStep?

    /// - Parameters:
    ///   - journal: must keep up with the steps, and be on disk before a state is.
    ///   - record: told of every step that was applied, before it is saved, with the checksum of the weights it led
    ///     to; what it gives is kept with the state.
    ///   - report: told of it when it may have been saved.
    init(
        _ master: TrainingMaster, journal: JournalWriter, pictures: RunPictures, validation: RunValidation,
        record: @escaping (StepResult, StepContribution, UInt64) -> Data?,
        report: @escaping (StepResult) -> Void
    ) {
        self.master = master
        self.report = report
        self.journal = journal
        self.pictures = pictures
        self.validation = validation
        master.beforeState = { try journal.flush() }
        shapeTableHash = master.table.hash
        master.remember = { [unowned self, unowned master] result in
            let weights = master.withWeights { WeightsChecksum.of(UnsafeRawBufferPointer($0)) }
            return contribution.flatMap { record(result, $0, weights) }
        }
    }

    let shapeTableHash: String
    var parameterCount: Int { master.parameterCount }
    var step: Int { master.step }
    var totalSteps: Int { master.totalSteps }
    var slotsPerWorker: Int? { master.slotsPerWorker }
    var lossScale: Float { master.lossScale }

    /// Of the next step: the only one that is asked for.
    func slotCount(of step: Int) -> Int { master.slotLimit }
    func firstSlot(of step: Int) -> Int { master.firstSlot }

    func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try master.withWeights(body)
    }

    var canForesee: Bool { master.canForesee }

    func beginForesight() { foreseen = master.foresee() }

    func foresee(
        _ sum: UnsafeBufferPointer<Float>, _ range: Range<Int>, into weights: UnsafeMutableBufferPointer<Float>
    ) throws -> [Range<Int>] {
        try foreseen?.take(range, of: sum, into: weights) ?? []
    }

    func apply(
        _ sum: UnsafeMutableBufferPointer<Float>, _ contribution: StepContribution
    ) throws -> StepVerdict {
        foreseen = nil
        self.contribution = contribution
        let slots = contribution.outcomes.map {
            SlotReport(samples: $0.samples, loss: $0.loss, squaredGradientNorm: $0.squaredGradientNorm)
        }
        let leftOut = contribution.leftOut.map { LeftOutSlot(samples: $0.sampleNames, group: $0.notFinite ?? "loss") }
        switch try master.apply(sum, slots: slots, leftOut: leftOut, workers: contribution.workers) {
        case .committed(let result):
            report(result)
            return .committed
        case .repeated(let reason): return .repeated(reason: reason)
        case .stopped(let advice): return .stopped(advice: advice)
        }
    }

    func picturesDue() -> [Data] { pictures.due(step: master.step, firstSlot: master.firstSlot) }

    func picturesMissed() -> [MissedPictures] { pictures.missed(before: master.step) }

    func keep(picture: [UInt8], step: Int, index: Int) throws {
        try pictures.keep(picture, step: step, index: index)
    }

    func validationDue() -> Data? {
        let isDue = validation.isDue(step: master.step, firstSlot: master.firstSlot, isLast: master.isComplete)
        // The recipe says all that there is to know.
        return isDue ? Data() : nil
    }

    func keep(validation file: [UInt8], step: Int) throws -> Double { try validation.keep(file, step: step) }

    var unsaved: String? { master.unsaved ?? journal.trouble?.description }

    func save() throws {
        try journal.flush()
        try master.saveState()
    }
}
