import Adapters
import Foundation
import Layers
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

    /// The format that the frozen parts compute in.
    let type: ScalarType
    private let work: Work
    private let recipe: Recipe
    private let table: ShapeTable
    private let weights: Tensor
    private let moments: (Tensor, Tensor)
    private let gradient: Tensor
    private let adapters: AdapterSet
    private let unet: UNet
    private let device: Device
    private let loss: DiffusionLoss
    private let update: OptimizerUpdate
    private let generator: Generator
    private let context: Tensor
    private let added: AddedConditions?
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
        let checkpoint = try UNetCheckpoint(at: baseModel)
        let configuration = checkpoint.configuration
        table = try ShapeTable(
            TargetModules.layers(
                of: .unet, among: configuration.parameters.parameters.map { ($0.name, $0.shape) }, rank: work.rank,
                alpha: Double(work.rank)))
        weights = try Tensor.of(try table.firstWeights(recipe), shape: [table.count])
        moments = (try Tensor.zeros([table.count]), try Tensor.zeros([table.count]))
        gradient = try Tensor.zeros([table.count])
        self.device = device
        type = recipe.precision.mixed.scalarType(on: device)
        adapters = try AdapterSet(table, floats: weights.floats(), device: device)
        unet = try UNet(
            Weights(checkpoint.weights(as: type, on: device), adaptedBy: adapters.plan(for: .unet)), configuration)
        loss = try DiffusionLoss(recipe: recipe, scheduler: checkpoint.scheduler, device: device)
        update = OptimizerUpdate(
            recipe.optimizer, scaling: try BatchScaling(recipe: recipe), ranges: table.learningRanges(of: recipe))
        side = work.resolution / AutoencoderConfiguration.stableDiffusion.factor
        let generator = try Generator(seed: 0)
        self.generator = generator
        func given(_ shape: [Int]) throws -> Tensor { try Tensor.normal(shape, generator: generator).to(device) }
        context = try given([work.batch, 77, configuration.contextWidth])
        added = try configuration.added.map { added in
            let whole = Float(work.resolution)
            let sizes = try Tensor.of([whole, whole, 0, 0, whole, whole], shape: [1, 6]).to(device)
            return AddedConditions(
                text: try given([work.batch, added.textWidth]),
                sizes: try Tensor.concatenate(Array(repeating: sizes, count: work.batch), along: 0))
        }
    }

    /// Does the next step, with which the device is done at the return.
    ///
    /// - Returns: its loss.
    func run() throws -> Double {
        let slot = Slot(
            epoch: number, bucket: 0, samples: (0..<work.batch).map { SampleAddress(picture: $0, repetition: 0) })
        number += 1
        let latents = try Tensor.normal([work.batch, 4, side, side], generator: generator).to(device)
        let each = try loss.losses(
            of: latents, draws: NoiseDraws(recipe.objective, seed: 0, slot: slot),
            weights: [Double](repeating: 1, count: work.batch)
        ) { noisy, timesteps in try unet(noisy, timesteps: timesteps, context: context, added: added) }
        let sum = try each.sum()
        try gradient.withMutableFloats { try adapters.gradient(of: sum, into: $0) { _ in } }
        try gradient.multiply(by: 1 / Double(work.batch))
        _ = try clip(gradient, to: recipe.optimizer.maxGradientNorm)
        try update.apply(
            to: weights, gradient: gradient, moments: moments, update: number,
            rates: [.unet: recipe.optimizer.learningRate])
        try weights.withFloats { try adapters.load($0) }
        try device.synchronize()
        return try sum.item() / Double(work.batch)
    }
}
