package import Dataset
import Images
import Layers
import Recipe
package import StableDiffusion
package import Torch

/// What the VAE says of pictures: from the cache, or made and put there.
///
/// Each picture is encoded alone and in fp32, so that what it becomes does not depend on its neighbours or on
/// `mixed_precision`. The VAE is loaded when the cache first lacks something, and let go when it lacks no more. What the
/// next slots need is read or decoded meanwhile, on another thread; the VAE itself runs on the learner's alone.
package final class LatentSource {
    /// One view of one picture.
    private struct Wish: Hashable, Sendable {
        let picture: Manifest.Picture
        let view: SampleView
        let shape: CachedLatents.Shape
        let key: LatentKey

        static func == (a: Wish, b: Wish) -> Bool { a.key == b.key }
        func hash(into hasher: inout Hasher) { hasher.combine(key) }

        func pixels(_ bring: (Manifest.Picture) throws -> Void) throws -> [Float] {
            try bring(picture)
            return try view.pixels(of: picture.file())
        }
    }

    /// How far a view had come when it was asked for.
    private enum Prepared: Sendable {
        case latents(CachedLatents)
        case pixels([Float])
    }

    private let checkpoint: Checkpoint
    private let device: Device
    private let cache: LatentCache
    private let vaeName: String
    private var autoencoder: Autoencoder?
    /// Times in a row that the cache was enough.
    private var idle = 0
    private static let patience = 256
    private let bring: @Sendable (Manifest.Picture) throws -> Void
    private let prefetcher: Prefetcher<Wish, Prepared>
    /// Bytes of pixels and latents that are prepared at a time.
    private static let preparedLimit = 128 << 20
    /// Views that are expected at a time.
    private static let mostExpected = 4096

    /// - Parameter bring: called before a picture's file is read, from any thread.
    package init(
        _ checkpoint: Checkpoint, device: Device, cache: LatentCache,
        bring: @escaping @Sendable (Manifest.Picture) throws -> Void = { _ in }
    ) throws {
        self.bring = bring
        self.checkpoint = checkpoint
        self.device = device
        self.cache = cache
        vaeName = try
            "\(checkpoint.hash(of: .autoencoder)) \(ExactnessClass(device: device)) \(LibTorch.threads) threads"
        prefetcher = Prefetcher(
            limit: Self.preparedLimit,
            // Three floats a pixel; latents that were made before are smaller.
            cost: { max($0.view.bucket.width * $0.view.bucket.height * 3, $0.shape.count * 2) * 4 },
            make: { [cache] wish in
                if let cached = cache.latents(for: wish.key, shape: wish.shape) { return .latents(cached) }
                return .pixels(try wish.pixels(bring))
            })
    }

    private func wish(_ picture: Manifest.Picture, _ view: SampleView) -> Wish {
        let factor = checkpoint.configuration.autoencoder.factor
        let shape = CachedLatents.Shape(
            channels: checkpoint.configuration.autoencoder.latentChannels, height: view.bucket.height / factor,
            width: view.bucket.width / factor)
        return Wish(
            picture: picture, view: view, shape: shape,
            key: LatentKey(picture: picture.sha256, vae: vaeName, view: view))
    }

    /// Learns which views will be asked for, the next first.
    func expect(_ views: some Sequence<(Manifest.Picture, SampleView)>) {
        prefetcher.expect(views.prefix(Self.mostExpected).map { wish($0, $1) })
    }

    /// The distribution of one view's latents.
    package func latents(of picture: Manifest.Picture, view: SampleView) throws -> CachedLatents {
        let wish = wish(picture, view)
        let prepared = try prefetcher.take(wish)
        var found: CachedLatents?
        if case .latents(let latents) = prepared { found = latents }
        if let cached = found ?? cache.latents(for: wish.key, shape: wish.shape) {
            idle += 1
            if idle == Self.patience { autoencoder = nil }
            return cached
        }
        idle = 0
        var pixels: [Float]?
        if case .pixels(let ready) = prepared { pixels = ready }
        let made = try encode(pixels ?? wish.pixels(bring), of: wish)
        guard made.isFinite else { throw LatentError.notFinite(picture.path) }
        try cache.store(made, for: wish.key)
        return made
    }

    private func encode(_ pixels: [Float], of wish: Wish) throws -> CachedLatents {
        let size = wish.view.bucket
        let tensor = try Tensor.of(pixels, shape: [1, 3, size.height, size.width]).to(device)
        let (mean, logVariance) = try withoutGradients { try loaded().encode(tensor) }
        return CachedLatents(shape: wish.shape, mean: try mean.floats(), logVariance: try logVariance.floats())
    }

    /// The VAE, in fp32.
    func loaded() throws -> Autoencoder {
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
