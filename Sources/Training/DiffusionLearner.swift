package import Adapters
package import Dataset
import Images
package import Recipe
package import StableDiffusion
package import Torch

/// What computing one slot gave besides its gradient.
package struct SlotGradient: Equatable, Sendable {
    package var samples: Int
    /// The sum over the slot's samples of the weighted loss.
    package var loss: Double
    /// `|g|²` of the slot's mean gradient, without the loss scale.
    package var squaredNorm: Double
    package var sampleNames: [String]
    /// The weighted loss of each, in the slot's order.
    package var sampleLosses: [Double]
    /// `loss`, or the parameter group, where a number is not finite; nil when all are.
    package var notFinite: String?
}

/// A worker's learning: the gradients of one slot at the weights it was given.
///
/// Holds nothing that is not recoverable, and knows no network. Everything random is drawn at its sample's address, so
/// that who computes a slot never changes what comes of it.
package final class DiffusionLearner {
    package let table: ShapeTable
    let recipe: Recipe
    let manifest: Manifest
    private let plan: TrainingPlan
    let model: AdaptedModel
    private let checkpoint: Checkpoint
    let conditioning: Conditioning
    private let latents: LatentSource
    let loss: DiffusionLoss
    private let autoencoder: AutoencoderConfiguration

    /// - Parameters:
    ///   - recipe: with its folders listed, as the coordinator resolved it.
    ///   - type: the format of the frozen parts; nil is what `mixed_precision` says, even where that is slow.
    ///   - cache: what the VAE said before.
    ///   - bring: called before a picture's file is read, from the learner's thread and from one that reads ahead.
    package init(
        recipe: Recipe, manifest: Manifest, checkpoint: Checkpoint, device: Device, computing type: ScalarType? = nil,
        cache: LatentCache, bring: @escaping @Sendable (Manifest.Picture) throws -> Void = { _ in }
    ) throws {
        self.recipe = recipe
        self.manifest = manifest
        self.checkpoint = checkpoint
        plan = try TrainingPlan(recipe: recipe, buckets: manifest.plannedBuckets(recipe))
        table = try checkpoint.shapeTable(for: recipe.network)
        model = try AdaptedModel(
            checkpoint, table: table, floats: [Float](repeating: 0, count: table.count),
            computing: type ?? recipe.precision.mixed.scalarType, device: device)
        conditioning = try Conditioning(
            model, tokenizer: checkpoint.tokenizer(), recipe: recipe,
            rowLength: checkpoint.configuration.textEncoder.rowLength)
        latents = try LatentSource(checkpoint, device: device, cache: cache, bring: bring)
        autoencoder = checkpoint.configuration.autoencoder
        loss = try DiffusionLoss(recipe: recipe, scheduler: checkpoint.configuration.scheduler, device: device)
    }

    var adapters: AdapterSet { model.adapters }

    /// The model as it lies here, for making pictures.
    func sampling() throws -> Sampling {
        try Sampling(
            tokenizer: checkpoint.tokenizer(), textEncoder: model.textEncoder(), unet: model.unet,
            autoencoder: latents.loaded(), configuration: checkpoint.configuration, on: model.device)
    }

    /// Takes over the weights that the next slots are computed with.
    package func use(_ weights: UnsafeBufferPointer<Float>) throws {
        try model.adapters.load(weights)
    }

    /// The weights as they lie in this learner's memory, `table.count` of them.
    package func weights() throws -> [Float] { try model.adapters.floats() }

    /// Learns which slots will be asked for, the next first: their pictures are decoded meanwhile, on another thread.
    ///
    /// - Parameter numbers: as for ``gradient(ofSlot:lossScale:into:finished:)``; others are passed over.
    package func expect(_ numbers: some Sequence<Int>) {
        let known = numbers.lazy.filter { [plan] in (0..<plan.totalSlots).contains($0) }
        latents.expect(known.lazy.flatMap { [self] in views(of: plan.slot(ofRun: $0)) })
    }

    /// Computes Σ over the slot's samples of w·∇loss, times `lossScale`.
    ///
    /// - Parameters:
    ///   - number: the slot's place in the run, from 0; see ``TrainingPlan/slot(ofRun:)``.
    ///   - gradient: `table.count` floats, all of which are overwritten.
    ///   - finished: told which of them are as they will stay, while the backward pass computes the others; of none where
    ///     it does not run on the processor.
    package func gradient(
        ofSlot number: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>,
        finished: (Range<Int>) -> Void = { _ in }
    ) throws -> SlotGradient {
        guard (0..<plan.totalSlots).contains(number) else {
            throw LearnerError.noSuchSlot(number, count: plan.totalSlots)
        }
        let slot = plan.slot(ofRun: number)
        let pictures = slot.samples.map { manifest.pictures[$0.picture] }
        let draws = NoiseDraws(recipe.objective, seed: recipe.run.seed, slot: slot)
        let clean = try cleanLatents(of: views(of: slot), draws)
        let checkpoints = recipe.precision.gradientCheckpointing ? ActivationCheckpoints(leaves: leaves) : nil
        let captions = zip(slot.samples, pictures).map { caption(of: $1, at: $0, epoch: slot.epoch) }
        let weights = pictures.map { $0.isRegularization ? recipe.data.priorLossWeight : 1 }

        let context = try conditioning.context(
            of: captions, checkpoints: recipe.network.trainsTextEncoder ? textCheckpoints : nil)
        let losses = try loss.losses(
            of: clean, draws: draws, weights: weights
        ) { noisy, timesteps in
            try model.unet(noisy, timesteps: timesteps, context: context, checkpoints: checkpoints)
        }
        let sum = try losses.sum()
        var result = SlotGradient(
            samples: slot.samples.count, loss: try sum.item(), squaredNorm: 0, sampleNames: pictures.map(\.name),
            sampleLosses: try losses.floats().map(Double.init))
        guard result.loss.isFinite else {
            result.notFinite = "loss"
            return result
        }
        try model.adapters.gradient(of: sum * Double(lossScale), into: gradient, finished: finished)
        judge(gradient, scale: Double(lossScale) * Double(slot.samples.count), &result)
        return result
    }

    /// Sums squares in fp64 and in order, group by group, so that what is not finite can be named.
    private func judge(_ gradient: UnsafeMutableBufferPointer<Float>, scale: Double, _ result: inout SlotGradient) {
        var total = 0.0
        for (group, range) in table.groups {
            let square = squaredNorm(UnsafeBufferPointer(rebasing: gradient[range]))
            guard square.isFinite else {
                result.notFinite = "\(group.part == .unet ? "UNet" : "text encoder")"
                return
            }
            total += square
        }
        result.squaredNorm = total / (scale * scale)
    }

    /// A sample of what the VAE says of each view, scaled: `[views, channels, height, width]`.
    func cleanLatents(of views: [(Manifest.Picture, SampleView)], _ draws: NoiseDraws) throws -> Tensor {
        let found = try views.map { try latents.latents(of: $0, view: $1) }
        let shape = found[0].shape
        let values = found.flatMap(\.mean)
        let spreads = found.flatMap(\.logVariance)
        let whole = [found.count, shape.channels, shape.height, shape.width]
        let deviation = try (Tensor.of(spreads, shape: whole) * 0.5).exponential()
        let sample =
            try Tensor.of(values, shape: whole)
            + deviation * draws.normals(.vaeSample, shape: Array(whole.dropFirst()))
        return try ((sample - autoencoder.shiftFactor) * autoencoder.scalingFactor).to(model.device)
    }

    private func views(of slot: Slot) -> [(Manifest.Picture, SampleView)] {
        slot.samples.map { sample in
            let picture = manifest.pictures[sample.picture]
            let subset = recipe.data.datasets[picture.dataset].subsets[picture.subset]
            let view = SampleView(
                of: picture, in: subset, seed: recipe.run.seed, epoch: slot.epoch, repetition: sample.repetition)
            return (picture, view)
        }
    }

    private func caption(of picture: Manifest.Picture, at sample: SampleAddress, epoch: Int) -> String {
        let subset = recipe.data.datasets[picture.dataset].subsets[picture.subset]
        let draws = CaptionDraws(seed: recipe.run.seed, epoch: epoch, sample: sample)
        return subset.caption(from: picture.caption, epoch: epoch, draws: draws)
    }

    private func leaves(under place: String) -> [Tensor] { model.adapters.leaves(of: .unet, under: place) }

    private var textCheckpoints: ActivationCheckpoints? {
        guard recipe.precision.gradientCheckpointing else { return nil }
        return ActivationCheckpoints { [adapters = model.adapters] place in
            adapters.leaves(of: .textEncoder, under: place)
        }
    }
}

/// Σ x², in fp64, eight lanes at a time: the same order whatever the optimiser makes of it.
private func squaredNorm(_ values: UnsafeBufferPointer<Float>) -> Double {
    var lanes = SIMD8<Double>()
    let whole = values.count / 8 * 8
    for start in stride(from: 0, to: whole, by: 8) {
        let x = SIMD8<Double>(
            SIMD8(
                values[start], values[start + 1], values[start + 2], values[start + 3], values[start + 4],
                values[start + 5], values[start + 6], values[start + 7]))
        lanes += x * x
    }
    return (whole..<values.count).reduce(lanes.sum()) { $0 + Double(values[$1]) * Double(values[$1]) }
}

/// What a worker was asked that it cannot do.
package enum LearnerError: Error, CustomStringConvertible {
    case noSuchSlot(Int, count: Int)

    package var description: String {
        switch self {
        case .noSuchSlot(let slot, let count):
            "slot \(slot) of a run that has \(count) was asked for: coordinator and worker have other recipes"
        }
    }
}
