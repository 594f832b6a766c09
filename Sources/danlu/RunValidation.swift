import Coordination
import Foundation
import Journal
import Recipe
import Training

/// When a run measures its validation loss, and what comes of it.
final class RunValidation {
    private let recipe: Recipe
    private let samples: Int
    private var marks: PlanMarks
    /// Of steps whose losses are not here yet.
    private var due: [Int: Validation.Marks] = [:]
    /// Whether the journal has the loss after so many steps.
    private let isKnown: (_ step: Int) -> Bool
    private let record: (ValidationEntry) -> Void

    /// - Parameters:
    ///   - heldOut: pictures that are held out; none measures nothing.
    ///   - isKnown: asked once, of the step that a run goes on from.
    ///   - record: told of each loss.
    init(
        _ recipe: Recipe, plan: TrainingPlan, heldOut: Int, isKnown: @escaping (_ step: Int) -> Bool,
        record: @escaping (ValidationEntry) -> Void
    ) {
        self.recipe = recipe
        samples = recipe.validationPictures(of: heldOut) * Validation.timestepsOfPicture
        marks = PlanMarks(plan)
        self.isKnown = isKnown
        self.record = record
    }

    /// Whether the loss is to be measured now; to be asked once before the first step of a life, and once after each.
    ///
    /// - Parameters:
    ///   - step: steps done.
    ///   - firstSlot: where the next step begins.
    func isDue(step: Int, firstSlot: Int, isLast: Bool) -> Bool {
        let (earlier, now, isResumed) = marks.advance(to: step, firstSlot: firstSlot)
        guard samples > 0, let earlier else { return false }
        let marks = recipe.validation.marks(before: earlier, now: now, isLast: isLast)
        guard marks.isDue, !isResumed || !isKnown(step) else { return false }
        due[step] = marks
        return true
    }

    /// Takes in what a worker measured after so many steps.
    ///
    /// - Parameter file: as ``LearnersValidation`` writes it.
    /// - Returns: the mean over all samples.
    func keep(_ file: [UInt8], step: Int) throws -> Double {
        let losses = LearnersValidation.losses(file)
        guard losses.count == samples else {
            throw Failure("\(losses.count) losses came of \(samples) samples that are held out")
        }
        let mean = losses.reduce(0) { $0 + Double($1) } / Double(samples)
        guard mean.isFinite else { throw Failure("the loss is not a number; the learning rate may be too high") }
        let marks = due.removeValue(forKey: step) ?? Validation.Marks(step: true, epoch: false)
        record(
            ValidationEntry(
                step: step - 1, loss: mean, samples: samples, isOfStep: marks.step, isOfEpoch: marks.epoch))
        return mean
    }
}

/// Validation losses that are measured between slots, and their file: fp32, little-endian, one after the other.
final class LearnersValidation: Painting {
    private let validation: ValidationInProgress

    init(_ validation: ValidationInProgress) {
        self.validation = validation
    }

    func advance() throws -> [UInt8]? {
        try validation.advance()?.flatMap { loss in withUnsafeBytes(of: loss.bitPattern.littleEndian, Array.init) }
    }

    /// Reads such a file; bytes that are no whole number are left out.
    static func losses(_ file: [UInt8]) -> [Float] {
        file.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }
}
