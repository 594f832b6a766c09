import Adapters
import Dataset
package import Images
import Recipe
package import StableDiffusion
import Torch

/// A picture that a learner makes between the slots that it computes, one denoising step at a time.
///
/// Each step puts the picture's own weights into the adapters and the learner's back, bit for bit, so that what is
/// learned meanwhile is what would be learned without it.
package final class PictureInProgress {
    private let adapters: AdapterSet
    private let weights: [Float]
    private let adapterWeight: Double
    private let sampling: Sampling
    private var denoising: Sampling.Denoising

    /// - Parameter weights: those that the picture shows, in the table's layout.
    init(_ request: SamplingRequest, weights: [Float], sampling: Sampling, adapters: AdapterSet) throws {
        self.adapters = adapters
        self.weights = weights
        adapterWeight = request.adapterWeight
        self.sampling = sampling
        denoising = try adapters.lend(to: weights, multiplier: request.adapterWeight) { try sampling.begin(request) }
    }

    /// Goes on by one step.
    ///
    /// - Returns: the picture, after the last one.
    package func advance() throws -> PixelImage? {
        let isLast = try adapters.lend(to: weights, multiplier: adapterWeight) { try sampling.advance(&denoising) }
        guard isLast else { return nil }
        let made = try withoutGradients { try sampling.picture(of: denoising.latents) }
        return PixelImage(made)
    }

}

extension DiffusionLearner {
    /// Begins a picture of what `weights` have learned.
    ///
    /// - Throws: ``ModelError`` when the request does not suit the model, `AdapterError` when there are not `table.count`
    ///   weights.
    package func picture(_ request: SamplingRequest, weights: [Float]) throws -> PictureInProgress {
        try requireWhole(weights)
        return try PictureInProgress(request, weights: weights, sampling: sampling(), adapters: adapters)
    }

    func requireWhole(_ weights: [Float]) throws {
        guard weights.count == table.count else {
            throw AdapterError.wrongCount(expected: table.count, actual: weights.count)
        }
    }
}

extension PixelImage {
    /// The picture that a model made.
    package init(_ picture: PlanarPicture) {
        self.init(
            planar: picture.values.map { $0 * 2 - 1 }, size: PixelSize(width: picture.width, height: picture.height))
    }
}
