package import Adapters
package import Foundation
package import Recipe
import Torch

/// What one step came to.
package struct StepResult: Equatable, Sendable {
    /// The step's number, from 0.
    package var step: Int
    package var samples: Int
    /// The mean over samples of the weighted loss.
    package var loss: Double
    package var rates: [ParameterGroup: Double]
    /// Of the mean gradient, before clipping.
    package var gradientNorm: Double
    /// See ``NoiseScale/value``.
    package var noiseScale: Double?
    /// The mean loss of each slot, in order: kohya's micro-steps.
    package var slotLosses: [Double]
}

/// What a step's sum of gradients led to.
package enum StepOutcome: Equatable, Sendable {
    case committed(StepResult)
    /// Only the loss scale changed; the same step is to be computed again.
    case repeated(reason: String)
    /// Weights and moments are those of the last good state; the run cannot go on.
    case stopped(advice: String)
}

/// One slot's part in a step, as a worker reported it.
package struct SlotReport: Equatable, Sendable {
    package var samples: Int
    /// The sum over samples of the weighted loss.
    package var loss: Double
    /// `|g|²` of the slot's mean gradient.
    package var squaredGradientNorm: Double

    package init(samples: Int, loss: Double, squaredGradientNorm: Double) {
        self.samples = samples
        self.loss = loss
        self.squaredGradientNorm = squaredGradientNorm
    }
}

/// A slot that was not finite wherever it was computed.
package struct LeftOutSlot: Equatable, Sendable {
    package var samples: [String]
    /// Where the number that is not finite turned up.
    package var group: String

    package init(samples: [String], group: String) {
        self.samples = samples
        self.group = group
    }
}

/// The owner of the LoRA's master weights, the moments, the learning rate, the commit decision and the files.
///
/// Knows no network: who computed the sums is nothing to it. Used from one thread.
package final class TrainingMaster {
    /// Steps in a row that had to leave samples out, after which the run is given up.
    package static let patience = 10
    /// A state is written at least this often.
    private static let stateEverySteps = 250
    private static let stateEverySeconds = 300.0

    package let plan: TrainingPlan
    package let table: ShapeTable
    package let rates: LearningRates
    private let recipe: Recipe
    private let recipeHash: String
    private let files: RunFiles
    private let update: OptimizerUpdate

    private let weights: Tensor
    private let gradient: Tensor
    private let moments: (Tensor, Tensor)
    private var noiseScale = NoiseScale()
    private var scale: LossScale
    private var wounded = 0
    private var lastState: (step: Int, time: TimeInterval)
    private var due = DueFiles()

    /// Steps applied so far.
    package private(set) var step = 0
    /// What whoever watches left with the last state; see ``TrainingState/Cursor/memo``.
    package private(set) var memo: Data?
    /// Why files of the last step are not on disk; nil when all are.
    ///
    /// While they are not, no other step may be applied: ``saveState()`` tries again.
    package private(set) var unsaved: String?
    /// Told of each step before its state may be saved; what it gives is saved with it.
    package var remember: (StepResult) -> Data? = { _ in nil }
    /// Called before a state is written: what it claims to have been done must be on disk elsewhere, if anywhere.
    package var beforeState: () throws -> Void = {}
    /// Told of each file that is on disk, a LoRA's or a state's, after so many steps.
    package var didSave: (_ path: String, _ step: Int) -> Void = { _, _ in }

    package var parameterCount: Int { table.count }
    package var lossScale: Float { scale.value }

    /// - Parameters:
    ///   - initial: the flat weights of a fresh run.
    ///   - files: where states and LoRA files go; a state found there is taken up.
    package init(
        recipe: Recipe, plan: TrainingPlan, table: ShapeTable, initial: () throws -> [Float], files: RunFiles
    ) throws {
        self.recipe = recipe
        self.plan = plan
        self.table = table
        self.files = files
        recipeHash = recipe.hash
        rates = try LearningRates(recipe: recipe, totalSteps: plan.totalSteps)
        scale = LossScale(recipe.precision.mixed)
        update = OptimizerUpdate(recipe.optimizer, scaling: rates.scaling, ranges: table.learningRanges(of: recipe))
        gradient = try Tensor.zeros([table.count])
        moments = (try Tensor.zeros([table.count]), try Tensor.zeros([table.count]))
        lastState = (-1, Date.timeIntervalSinceReferenceDate)
        if let state = try files.resume(recipe: recipeHash, shapes: table.hash) {
            weights = try Tensor.of(state.weights, shape: [table.count])
            try restore(state)
        } else {
            weights = try Tensor.of(try initial(), shape: [table.count])
            try saveState()
        }
    }

    private func restore(_ state: TrainingState) throws {
        try weights.assign(Tensor.of(state.weights, shape: [table.count]))
        try moments.0.assign(Tensor.of(state.firstMoments, shape: [table.count]))
        try moments.1.assign(Tensor.of(state.secondMoments, shape: [table.count]))
        step = state.cursor.step
        scale = state.cursor.lossScale
        noiseScale = state.cursor.noiseScale
        memo = state.cursor.memo
        wounded = state.cursor.wounded
        lastState.step = step
    }

    /// The master weights, fp32, in the shape table's layout.
    package func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try weights.withContiguousFloats(body)
    }

    /// One optimizer step.
    ///
    /// - Parameters:
    ///   - sum: Σ w·∇loss over the samples of `slots`, times ``lossScale``.
    ///   - leftOut: slots that are not in the sum because they were not finite.
    package func apply(
        _ sum: UnsafeMutableBufferPointer<Float>, slots: [SlotReport], leftOut: [LeftOutSlot]
    ) throws -> StepOutcome {
        if !leftOut.isEmpty, scale.overflowed() {
            return .repeated(reason: "fp16 gradients overflowed; the loss scale is now \(Int(scale.value))")
        }
        let samples = slots.reduce(0) { $0 + $1.samples }
        var result = StepResult(
            step: step, samples: samples, loss: slots.reduce(0) { $0 + $1.loss } / Double(max(1, samples)),
            rates: rates.rates(at: step), gradientNorm: 0, noiseScale: noiseScale.value,
            slotLosses: slots.map { $0.loss / Double(max(1, $0.samples)) })
        var isWhole = leftOut.isEmpty
        if samples > 0 {
            try gradient.withMutableFloats { _ = $0.update(fromContentsOf: sum) }
            try gradient.multiply(by: 1 / (Double(samples) * Double(scale.value)))
            result.gradientNorm = try clip(gradient, to: recipe.optimizer.maxGradientNorm)
            if result.gradientNorm.isFinite {
                noiseScale.add(
                    slots: slots.map { ($0.samples, $0.squaredGradientNorm) },
                    mean: result.gradientNorm * result.gradientNorm)
                result.noiseScale = noiseScale.value
                try update.apply(
                    to: weights, gradient: gradient, moments: moments, update: step + 1, rates: result.rates)
            } else {
                isWhole = false
            }
        }
        if isWhole {
            wounded = 0
            scale.succeeded()
        } else {
            wounded += 1
            if wounded >= Self.patience { return try giveUp(leftOut) }
        }
        memo = remember(result)
        step += 1
        collectDueFiles()
        do {
            try writeDueFiles()
        } catch {
            // The step is done; what can be mended is the disk.
            unsaved = "\(error)"
        }
        return .committed(result)
    }

    private func giveUp(_ leftOut: [LeftOutSlot]) throws -> StepOutcome {
        if case .state(let state, _) = try files.states.latest() { try restore(state) }
        let group = leftOut.first?.group ?? "gradient"
        let network = recipe.network
        let cause =
            network.trainsTextEncoder && network.trainsUNet
            ? "text_encoder_lr first, then unet_lr" : network.trainsUNet ? "unet_lr" : "text_encoder_lr"
        return .stopped(
            advice: "\(Self.patience) steps in a row were not finite (last in \(group)): the weights are those of step "
                + "\(step) again; lower \(cause), and start with another output_dir")
    }

    /// Files that are to be written before the next step.
    private struct DueFiles {
        var adapters: [String] = []
        var state = false
    }

    private func collectDueFiles() {
        let finishedEpoch = plan.endsEpoch(step - 1) ? plan.epoch(of: step - 1) + 1 : nil
        let isLast = step == plan.totalSteps
        if let every = recipe.run.saveEveryNSteps, step % every == 0, !isLast {
            due.adapters.append(files.name(ofStep: step))
        }
        if let every = recipe.run.saveEveryNEpochs, let finishedEpoch, finishedEpoch % every == 0, !isLast {
            due.adapters.append(files.name(ofEpoch: finishedEpoch))
        }
        if isLast { due.adapters.append(files.finalName) }
        let elapsed = Date.timeIntervalSinceReferenceDate - lastState.time
        let isDue = step - lastState.step >= Self.stateEverySteps || elapsed >= Self.stateEverySeconds
        // A state of a run in trouble is no good state to go back to.
        due.state = isLast || (wounded == 0 && (isDue || !due.adapters.isEmpty))
    }

    /// Writes what is due, in order, until something cannot be written.
    private func writeDueFiles() throws {
        while let name = due.adapters.first {
            try saveAdapter(named: name)
            due.adapters.removeFirst()
        }
        if due.state { try writeState() }
        due.state = false
        unsaved = nil
    }

    /// Writes the state as it is now, and LoRA files that are due, if that has not been done.
    package func saveState() throws {
        due.state = true
        try writeDueFiles()
    }

    private func writeState() throws {
        guard lastState.step != step else { return }
        try beforeState()
        let cursor = TrainingState.Cursor(
            step: step, recipe: recipeHash, shapes: table.hash, lossScale: scale, noiseScale: noiseScale, memo: memo,
            wounded: wounded)
        let path = try files.states.save(
            TrainingState(
                cursor: cursor, weights: weights.floats(), firstMoments: moments.0.floats(),
                secondMoments: moments.1.floats()))
        didSave(path, step)
        lastState = (step, Date.timeIntervalSinceReferenceDate)
    }

    /// Writes the LoRA's file of a finished run anew.
    package func saveFinalAdapter() throws {
        try saveAdapter(named: files.finalName)
    }

    private func saveAdapter(named name: String) throws {
        let path = try files.saveAdapter(
            named: name, table: table, weights: weights.floats(), precision: recipe.run.savePrecision, step: step,
            epoch: plan.epoch(of: step - 1) + 1)
        didSave(path, step)
    }
}
