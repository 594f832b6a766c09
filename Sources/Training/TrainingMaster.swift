package import Adapters
package import Foundation
package import Recipe
import Torch

/// The owner of the LoRA's master weights, the moments, the learning rate, the commit decision and the files.
///
/// Knows no network: who computed the sums is nothing to it. Used from one thread.
package final class TrainingMaster {
    /// Steps in a row that had to leave samples out, after which the run is given up.
    package static let patience = 10
    /// A state is written at least this often.
    private static let stateEverySteps = 250
    private static let stateEvery = Duration.seconds(60)
    /// At most this part of the time goes into writing states.
    private static let stateShare = 50

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
    private var lastState: (step: Int, time: ContinuousClock.Instant, took: Duration)
    private var due = DueFiles()
    private var ramp = BatchRamp()

    /// Steps applied so far.
    package private(set) var step = 0
    /// The place in the run at which the next step begins.
    package private(set) var firstSlot = 0
    /// Workers that were in at the last step; before one, those that are expected.
    package var workers = 1
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
    /// Told, in a sentence, of what was not done as it was asked for.
    package var remark: (String) -> Void = { _ in }

    package var parameterCount: Int { table.count }
    package var lossScale: Float { scale.value }
    package var isComplete: Bool { firstSlot >= plan.totalSlots }
    /// The most slots that the next step may have.
    package var slotLimit: Int {
        recipe.batch.policy == .fixed ? plan.slotCount(of: step) : plan.slotsLeft(from: firstSlot)
    }
    /// Slots that each worker adds to a step; nil where who is in changes nothing.
    package var slotsPerWorker: Int? { recipe.batch.policy == .fixed ? nil : plan.slotsPerStep }
    /// The run's steps; where the batch grows with the world, as many as there will be if it stays as it is.
    package var totalSteps: Int {
        recipe.batch.policy == .fixed ? plan.totalSteps : step + plan.steps(from: firstSlot, workers: workers)
    }

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
        lastState = (-1, .now, .zero)
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
        firstSlot = state.cursor.firstSlot ?? plan.firstSlotOfRun(step: step)
        ramp = state.cursor.ramp ?? BatchRamp()
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

    /// Whether the next step follows from the plan, and another one follows it.
    package var canForesee: Bool { recipe.batch.policy == .fixed && step + 1 < plan.totalSteps }

    /// The next step, as it will be where nothing unusual happens.
    package func foresee() -> ForeseenStep {
        let samples = plan.slots(of: step).reduce(0) { $0 + $1.samples.count }
        return ForeseenStep(
            weights: weights, moments: moments, update: update, number: step + 1,
            rates: rates.rates(at: plan.baseStep(ofSlot: firstSlot)),
            factor: 1 / (Double(samples) * Double(scale.value)))
    }

    /// One optimizer step.
    ///
    /// - Parameters:
    ///   - sum: Σ w·∇loss over the samples of `slots`, times ``lossScale``.
    ///   - leftOut: slots that are not in the sum because they were not finite.
    ///   - workers: that were in when the step began; they count where the batch grows with them.
    package func apply(
        _ sum: UnsafeMutableBufferPointer<Float>, slots: [SlotReport], leftOut: [LeftOutSlot], workers: Int = 1
    ) throws -> StepOutcome {
        if !leftOut.isEmpty, scale.overflowed() {
            return .repeated(reason: "fp16 gradients overflowed; the loss scale is now \(Int(scale.value))")
        }
        let samples = slots.reduce(0) { $0 + $1.samples }
        var ramp = ramp
        let ratio = ramp.advance(towards: recipe.batch.ratio(workers: workers), over: recipe.batch.rampSteps)
        let rates = try recipe.batch.policy == .fixed ? rates : rates.scaled(to: ratio)
        var result = StepResult(
            step: step, samples: samples, firstSlot: firstSlot, epoch: plan.epoch(ofSlot: firstSlot),
            effectiveBatch: recipe.batch.effectiveBatch(workers: workers),
            scaledBatch: rates.scaling.ratio * recipe.batch.referenceBatch,
            loss: slots.reduce(0) { $0 + $1.loss } / Double(max(1, samples)),
            rates: rates.rates(at: plan.baseStep(ofSlot: firstSlot)), gradientNorm: 0, noiseScale: noiseScale.value,
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
                    to: weights, gradient: gradient, moments: moments, update: step + 1, rates: result.rates,
                    scaling: rates.scaling)
            } else {
                isWhole = false
            }
        }
        if isWhole {
            wounded = 0
            scale.succeeded()
        } else {
            wounded += 1
            if wounded >= Self.patience { return try giveUp(Self.sentence(of: leftOut)) }
        }
        memo = remember(result)
        self.ramp = ramp
        self.workers = workers
        step += 1
        firstSlot =
            recipe.batch.policy == .fixed
            ? plan.firstSlotOfRun(step: step)
            : firstSlot + min(slots.count + leftOut.count, plan.slotsLeft(from: firstSlot))
        result.totalSteps = totalSteps
        collectDueFiles(after: result.firstSlot)
        do {
            try writeDueFiles()
        } catch is AdapterError {
            // Waiting mends no number that no file can hold.
            due = DueFiles()
            return try giveUp("the weights are not finite any more after step \(step)")
        } catch {
            // The step is done; what can be mended is the disk.
            unsaved = "\(error)"
        }
        return .committed(result)
    }

    private static func sentence(of leftOut: [LeftOutSlot]) -> String {
        "\(patience) steps in a row were not finite (last in \(leftOut.first?.group ?? "gradient"))"
    }

    /// Goes back to the last good state, since the run cannot go on from here.
    private func giveUp(_ cause: String) throws -> StepOutcome {
        if case .state(let state, _) = try files.states.latest() { try restore(state) }
        let network = recipe.network
        let remedy =
            network.trainsTextEncoder && network.trainsUNet
            ? "text_encoder_lr first, then unet_lr" : network.trainsUNet ? "unet_lr" : "text_encoder_lr"
        return .stopped(
            advice: "\(cause): the weights are those of step \(step) again; lower \(remedy), and start with another "
                + "output_dir")
    }

    /// Files that are to be written before the next step.
    private struct DueFiles {
        var adapters: [String] = []
        var state = false
    }

    /// - Parameter begin: where the step that was just applied began.
    private func collectDueFiles(after begin: Int) {
        let finishedEpoch = firstSlot % plan.slotsPerEpoch == 0 ? firstSlot / plan.slotsPerEpoch : nil
        let isLast = isComplete
        if let every = recipe.run.saveEveryNSteps, !isLast {
            // In base steps, as max_train_steps is: a large step may pass the mark.
            let (before, now) = (Int(plan.baseStep(ofSlot: begin)), Int(plan.baseStep(ofSlot: firstSlot)))
            if before / every < now / every { due.adapters.append(files.name(ofStep: now / every * every)) }
        }
        if let every = recipe.run.saveEveryNEpochs, let finishedEpoch, finishedEpoch % every == 0, !isLast {
            due.adapters.append(files.name(ofEpoch: finishedEpoch))
        }
        if isLast { due.adapters.append(files.finalName) }
        let elapsed = ContinuousClock.now - lastState.time
        let isDue =
            step - lastState.step >= Self.stateEverySteps && elapsed >= lastState.took * Self.stateShare
            || elapsed >= max(Self.stateEvery, lastState.took * Self.stateShare)
        // A state of a run in trouble is no good state to go back to.
        due.state = isLast || (wounded == 0 && (isDue || !due.adapters.isEmpty))
    }

    /// Writes what is due, in order, until something cannot be written.
    private func writeDueFiles() throws {
        var written: [String] = []
        // Announced only when the state is written too: what people have been told of is not done again.
        defer { for path in written { didSave(path, step) } }
        while let name = due.adapters.first {
            written.append(try writeAdapter(named: name))
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
        let began = ContinuousClock.now
        try beforeState()
        let cursor = TrainingState.Cursor(
            step: step, recipe: recipeHash, shapes: table.hash, lossScale: scale, noiseScale: noiseScale, memo: memo,
            wounded: wounded, firstSlot: firstSlot, ramp: recipe.batch.policy == .fixed ? nil : ramp)
        let path = try files.states.save(
            TrainingState(
                cursor: cursor, weights: weights.floats(), firstMoments: moments.0.floats(),
                secondMoments: moments.1.floats()))
        didSave(path, step)
        lastState = (step, .now, .now - began)
    }

    /// Writes the LoRA's file of a finished run anew.
    package func saveFinalAdapter() throws {
        didSave(try writeAdapter(named: files.finalName), step)
    }

    /// - Returns: its path.
    private func writeAdapter(named name: String) throws -> String {
        let numbers = try weights.floats()
        func write(_ precision: Run.SavePrecision) throws -> String {
            try files.saveAdapter(
                named: name, table: table, weights: numbers, precision: precision, step: step,
                epoch: plan.epoch(ofSlot: max(0, firstSlot - 1)) + 1)
        }
        do {
            return try write(recipe.run.savePrecision)
        } catch let error as AdapterError where numbers.allSatisfy(\.isFinite) {
            remark("\(error) \(name).safetensors is written in fp32 instead.")
            return try write(.fp32)
        }
    }
}
