import Crypto
import Glibc
package import Images
import Synchronization

/// The name of a view's latents: what they are made from, and nothing else, so that no change goes unnoticed.
package struct LatentKey: Hashable, Sendable, CustomStringConvertible {
    /// 64 hexadecimal digits.
    package let description: String

    /// - Parameters:
    ///   - picture: SHA-256 of the picture's file.
    ///   - vae: a hash of the VAE's weights and of whatever else decides its answer, such as its precision.
    package init(picture: String, vae: String, view: SampleView) {
        let parts = [
            "latents 1", picture, vae, "\(view.bucket)", "\(view.resized)", "\(view.cropX),\(view.cropY)",
            view.isFlipped ? "flipped" : "upright",
        ]
        description = SHA256.hash(data: Array(parts.joined(separator: "\n").utf8)).hexadecimal
    }
}

/// Latents that need not be made again, in memory, on disk, or both.
///
/// Any number of threads and processes may share a folder. What is on disk is trusted only if its checksum says so:
/// anything else is removed and counts as missing.
package final class LatentCache: Sendable {
    /// How often the cache could help.
    package struct Statistics: Equatable, Sendable {
        package var hits = 0
        package var misses = 0
        /// Entries on disk that were cut short, changed or of another shape, and were removed.
        package var removed = 0
    }

    private struct Memory {
        var entries: [LatentKey: CachedLatents] = [:]
        var bytes = 0
        var statistics = Statistics()
    }

    /// Where entries lie on disk, or nil.
    package let folder: String?
    private let memoryLimit: Int
    private let memory = Mutex(Memory())

    /// - Parameters:
    ///   - memoryLimit: bytes of latents to hold; what comes when they are full is not held, because an epoch asks for every
    ///     entry once and would find each one just displaced. 0 holds nothing.
    ///   - folder: made if need be; nil keeps nothing on disk.
    /// - Throws: `FileError` where the folder cannot be made or written to.
    package init(memoryLimit: Int, folder: String? = nil) throws(FileError) {
        self.memoryLimit = memoryLimit
        self.folder = folder
        guard let folder else { return }
        if mkdir(folder, 0o755) != 0 && errno != EEXIST {
            throw FileError(path: folder, action: "make the latent cache", reason: String(cString: strerror(errno)))
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            throw FileError(path: folder, action: "write to the latent cache", reason: String(cString: strerror(errno)))
        }
    }

    package var statistics: Statistics { memory.withLock { $0.statistics } }

    /// The latents under a key, or nil where they must be made.
    ///
    /// - Parameter shape: what they must have.
    package func latents(for key: LatentKey, shape: CachedLatents.Shape) -> CachedLatents? {
        if let held = memory.withLock({ $0.entries[key] }), held.shape == shape {
            memory.withLock { $0.statistics.hits += 1 }
            return held
        }
        let read = readFromDisk(key, shape: shape)
        if let read { hold(read, for: key) }
        memory.withLock { memory in
            if read == nil { memory.statistics.misses += 1 } else { memory.statistics.hits += 1 }
        }
        return read
    }

    /// Keeps latents for whoever asks next.
    ///
    /// Latents that are not finite are not kept: one bad answer of the VAE would poison the whole run.
    ///
    /// - Throws: `FileError` where the disk is full or the folder gone; memory then has them all the same.
    package func store(_ latents: CachedLatents, for key: LatentKey) throws(FileError) {
        guard latents.isFinite else { return }
        hold(latents, for: key)
        guard let path = path(of: key) else { return }
        try writeAtomically(latents.encoded, to: path)
    }

    private func hold(_ latents: CachedLatents, for key: LatentKey) {
        memory.withLock { memory in
            let freed = memory.entries[key]?.byteCount ?? 0
            guard memory.bytes - freed + latents.byteCount <= memoryLimit else { return }
            memory.bytes += latents.byteCount - freed
            memory.entries[key] = latents
        }
    }

    private func readFromDisk(_ key: LatentKey, shape: CachedLatents.Shape) -> CachedLatents? {
        guard let path = path(of: key), access(path, F_OK) == 0 else { return nil }
        let limit = shape.count * 8 + 1024
        if let bytes = try? readFile(path, limit: limit), let latents = CachedLatents(encoded: bytes),
            latents.shape == shape
        {
            return latents
        }
        unlink(path)
        memory.withLock { $0.statistics.removed += 1 }
        return nil
    }

    private func path(of key: LatentKey) -> String? {
        folder.map { "\($0)/\(key).latents" }
    }
}
