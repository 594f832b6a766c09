import Adapters
import Foundation
import Recipe
import StableDiffusion
import Torch
import Training

/// A training step of the UNet on random latents: what a worker computes of a slot, and what the master makes of it.
final class BenchedStep {
    struct Work {
        var resolution: Int
        var batch: Int
        var rank: Int
        var precision: ComputePrecision
    }

    private let work: Work
    private let recipe: Recipe
    private let table: ShapeTable
    private let weights: Tensor
    private let moments: (Tensor, Tensor)
    private let model: AdaptedModel
    private let loss: DiffusionLoss
    private let update: OptimizerUpdate
    private let generator: Generator
    private let context: Tensor
    private let side: Int
    private var number = 0

    init(_ work: Work, baseModel: URL, device: Device) throws {
        self.work = work
        var recipe = Recipe()
        recipe.network.rank = work.rank
        recipe.network.alpha = Double(work.rank)
        recipe.network.trainsTextEncoder = false
        recipe.precision.mixed = work.precision.mixed
        recipe.optimizer.learningRate = 1e-4
        self.recipe = recipe
        let checkpoint = try Checkpoint(at: baseModel, options: .init(vocabulary: nil))
        table = try checkpoint.shapeTable(for: recipe.network)
        weights = try Tensor.of(try table.firstWeights(recipe), shape: [table.count])
        moments = (try Tensor.zeros([table.count]), try Tensor.zeros([table.count]))
        model = try AdaptedModel(
            checkpoint, table: table, floats: weights.floats(),
            computing: recipe.precision.mixed.scalarType(on: device), device: device)
        loss = try DiffusionLoss(recipe: recipe, scheduler: checkpoint.configuration.scheduler, device: device)
        update = OptimizerUpdate(
            recipe.optimizer, scaling: try BatchScaling(recipe: recipe), ranges: table.learningRanges(of: recipe))
        side = work.resolution / checkpoint.configuration.autoencoder.factor
        generator = try Generator(seed: 0)
        let width = checkpoint.configuration.unet.contextWidth
        context = try Tensor.normal([work.batch, 77, width], generator: generator).to(device)
    }

    /// The format that the frozen parts compute in.
    var type: ScalarType { model.type }

    /// Does the next step, with which the device is done at the return.
    ///
    /// - Returns: its loss.
    func run() throws -> Double {
        let slot = Slot(
            epoch: number, bucket: 0, samples: (0..<work.batch).map { SampleAddress(picture: $0, repetition: 0) })
        number += 1
        let latents = try Tensor.normal([work.batch, 4, side, side], generator: generator).to(model.device)
        let each = try loss.losses(
            of: latents, draws: NoiseDraws(recipe.objective, seed: 0, slot: slot),
            weights: [Double](repeating: 1, count: work.batch)
        ) { noisy, timesteps in try model.unet(noisy, timesteps: timesteps, context: context) }
        let sum = try each.sum()
        let gradient = try model.adapters.gradient(of: sum).to(Device.cpu) * (1 / Double(work.batch))
        _ = try clip(gradient, to: recipe.optimizer.maxGradientNorm)
        try update.apply(
            to: weights, gradient: gradient, moments: moments, update: number,
            rates: [.unet: recipe.optimizer.learningRate])
        try weights.withFloats { try model.adapters.load($0) }
        try model.device.synchronize()
        return try sum.item() / Double(work.batch)
    }
}
