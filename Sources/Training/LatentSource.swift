import Dataset
import Layers
import Images
import Recipe
import StableDiffusion
import Torch

/// What the VAE says of pictures: from the cache, or made and put there.
///
/// Each picture is encoded alone and in fp32, so that what it becomes does not depend on its neighbours or on
/// `mixed_precision`. The VAE is loaded when the cache first lacks something, and let go when it lacks no more.
final class LatentSource {
    private let checkpoint: Checkpoint
    private let device: Device
    private let cache: LatentCache
    private let vaeName: String
    private var autoencoder: Autoencoder?
    /// Times in a row that the cache was enough.
    private var idle = 0
    private static let patience = 256

    init(_ checkpoint: Checkpoint, device: Device, cache: LatentCache) throws {
        self.checkpoint = checkpoint
        self.device = device
        self.cache = cache
        vaeName = try
            "\(checkpoint.hash(of: .autoencoder)) \(ExactnessClass(device: device)) \(LibTorch.threads) threads"
    }

    /// The distribution of one view's latents.
    func latents(of picture: Manifest.Picture, view: SampleView) throws -> CachedLatents {
        let factor = checkpoint.configuration.autoencoder.factor
        let shape = CachedLatents.Shape(
            channels: checkpoint.configuration.autoencoder.latentChannels, height: view.bucket.height / factor,
            width: view.bucket.width / factor)
        let key = LatentKey(picture: picture.sha256, vae: vaeName, view: view)
        if let cached = cache.latents(for: key, shape: shape) {
            idle += 1
            if idle == Self.patience { autoencoder = nil }
            return cached
        }
        idle = 0
        let made = try encode(picture, view: view, shape: shape)
        guard made.isFinite else { throw LatentError.notFinite(picture.path) }
        try cache.store(made, for: key)
        return made
    }

    private func encode(
        _ picture: Manifest.Picture, view: SampleView, shape: CachedLatents.Shape
    ) throws -> CachedLatents {
        let size = view.bucket
        let pixels = try Tensor.of(view.pixels(of: picture.file()), shape: [1, 3, size.height, size.width]).to(device)
        let (mean, logVariance) = try withoutGradients { try loaded().encode(pixels) }
        return CachedLatents(shape: shape, mean: try mean.floats(), logVariance: try logVariance.floats())
    }

    private func loaded() throws -> Autoencoder {
        if let autoencoder { return autoencoder }
        let made = try Autoencoder(
            Weights(checkpoint.weights(of: .autoencoder, as: .float32, on: device)),
            checkpoint.configuration.autoencoder)
        autoencoder = made
        return made
    }
}

/// Latents that cannot be learned from.
enum LatentError: Error, CustomStringConvertible {
    case notFinite(String)

    var description: String {
        switch self {
        case .notFinite(let path):
            "\(path): the VAE gives numbers that are not finite for this picture; use another VAE (vae) or leave it out"
        }
    }
}
