import Adapters
import Coordination
import Dataset
import Foundation
import Recipe
import StableDiffusion
import Torch
import Training
import Wire

/// The left tower's learner as the right tower wants it.
final class ClusterLearner: Learner {
    private let learner: DiffusionLearner

    /// Loads the model; takes as long as that takes.
    ///
    /// - Parameters:
    ///   - run: with paths of this box.
    ///   - device: of this box.
    ///   - pictures: brings those that are not here; nil where all are.
    init(_ run: RunDescription, device: Device, pictures: PictureSupply? = nil) throws {
        let recipe = run.recipe
        let checkpoint = try Checkpoint(
            at: URL(filePath: recipe.model.path), options: recipe.model.options(run.vocabulary))
        let memory = recipe.data.cacheLatents || recipe.data.cacheLatentsToDisk ? 4 << 30 : 0
        let cache = try LatentCache(memoryLimit: memory, folder: run.latentFolder)
        learner = try DiffusionLearner(
            recipe: recipe, manifest: run.manifest, checkpoint: checkpoint, device: device,
            computing: recipe.precision.mixed.scalarType(on: device), cache: cache,
            bring: { picture in try pictures?.bring(picture.path) })
    }

    var parameterCount: Int { learner.table.count }
    var shapeTableHash: String { learner.table.hash }

    func use(weights: UnsafeBufferPointer<Float>, step: Int) throws {
        try learner.use(weights)
    }

    func expect(_ slots: [Int]) { learner.expect(slots) }

    func picture(_ request: Data, weights: [Float]) throws -> any Painting {
        try LearnersPicture(request, weights: weights, learner: learner)
    }

    func validation(_ request: Data, weights: [Float]) throws -> any Painting {
        LearnersValidation(try learner.validation(weights: weights))
    }

    func checksumOfWeights() throws -> UInt64? {
        try learner.weights().withUnsafeBytes { WeightsChecksum.of($0) }
    }

    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>,
        finished: (Range<Int>) -> Void
    ) throws -> SlotOutcome {
        let result = try learner.gradient(ofSlot: slot, lossScale: lossScale, into: gradient, finished: finished)
        return SlotOutcome(
            slot: slot, samples: result.samples, loss: result.loss, squaredGradientNorm: result.squaredNorm,
            sampleNames: result.sampleNames, sampleLosses: result.sampleLosses, notFinite: result.notFinite)
    }
}
