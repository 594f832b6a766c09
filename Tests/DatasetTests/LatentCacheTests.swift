import Dataset
import Foundation
import Images
import Testing

@Suite struct `The latent cache` {
    private let shape = CachedLatents.Shape(channels: 4, height: 3, width: 2)
    private let key: LatentKey
    private let view: SampleView

    init() throws {
        let folder = try TemporaryFolder()
        try folder.copy("plain.png")
        view = SampleView(of: try Manifest.make(from: .of([.init(folder.path)])).pictures[0])
        key = LatentKey(picture: "aa", vae: "bb", view: view)
    }

    private func latents(_ first: Float = 0.5) -> CachedLatents {
        let values = (0..<24).map { first + Float($0) / 7 }
        return CachedLatents(shape: shape, mean: values, logVariance: values.map { -$0 })
    }

    @Test func `gives back what it was given, from memory and from disk`() throws {
        let folder = try TemporaryFolder()
        let cache = try LatentCache(memoryLimit: 1 << 20, folder: folder.path + "/latents")
        #expect(cache.latents(for: key, shape: shape) == nil)
        try cache.store(latents(), for: key)
        #expect(cache.latents(for: key, shape: shape) == latents())

        let another = try LatentCache(memoryLimit: 0, folder: folder.path + "/latents")
        #expect(another.latents(for: key, shape: shape) == latents())
        #expect((another.statistics.hits, another.statistics.misses) == (1, 0))
        #expect((cache.statistics.hits, cache.statistics.misses) == (1, 1))
    }

    @Test func `keeps what fits in memory and no more`() throws {
        let cache = try LatentCache(memoryLimit: latents().byteCount)
        let other = LatentKey(picture: "cc", vae: "bb", view: view)
        try cache.store(latents(), for: key)
        try cache.store(latents(9), for: other)
        #expect(cache.latents(for: key, shape: shape) == latents())
        #expect(cache.latents(for: other, shape: shape) == nil)
        try cache.store(latents(2), for: key)
        #expect(cache.latents(for: key, shape: shape) == latents(2))
    }

    @Test func `is keyed by the picture, the VAE and the view`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("resize-source.png")
        let otherView = SampleView(of: try Manifest.make(from: .of([.init(folder.path)])).pictures[0])
        let keys = [
            key, LatentKey(picture: "ab", vae: "bb", view: view), LatentKey(picture: "aa", vae: "bc", view: view),
            LatentKey(picture: "aa", vae: "bb", view: otherView),
        ]
        #expect(Set(keys).count == 4)
        #expect(LatentKey(picture: "aa", vae: "bb", view: view) == key)
        #expect(key.description.count == 64)
    }

    @Test func `trusts no entry that is changed, cut or of another shape: it is made again`() throws {
        let whole = latents().encoded
        #expect(CachedLatents(encoded: whole) == latents())
        for position in whole.indices {
            var changed = whole
            changed[position] ^= 1
            #expect(CachedLatents(encoded: changed) == nil, "byte \(position)")
            #expect(CachedLatents(encoded: Array(whole[..<position])) == nil, "cut at \(position)")
        }
        #expect(CachedLatents(encoded: whole + [0]) == nil)

        let folder = try TemporaryFolder()
        let cache = try LatentCache(memoryLimit: 0, folder: folder.path)
        let path = folder.path + "/\(key).latents"
        for broken in [Array(whole.dropLast()), [], Array(repeating: 0, count: 5000)] {
            try Data(broken).write(to: URL(filePath: path))
            #expect(cache.latents(for: key, shape: shape) == nil)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        try cache.store(latents(), for: key)
        #expect(cache.latents(for: key, shape: .init(channels: 4, height: 2, width: 3)) == nil)
        #expect(cache.statistics.removed == 4)
        try cache.store(latents(), for: key)
        #expect(cache.latents(for: key, shape: shape) == latents())
    }

    @Test func `keeps nothing that is not finite`() throws {
        let cache = try LatentCache(memoryLimit: 1 << 20)
        var mean = latents().mean
        mean[3] = .nan
        try cache.store(CachedLatents(shape: shape, mean: mean, logVariance: mean), for: key)
        #expect(cache.latents(for: key, shape: shape) == nil)
    }

    @Test func `may be written by many at once`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let (key, latents) = (key, latents())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let cache = try LatentCache(memoryLimit: 0, folder: path)
                    for _ in 0..<10 {
                        try cache.store(latents, for: key)
                        #expect(cache.latents(for: key, shape: latents.shape) == latents)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["\(key).latents"])
    }

    @Test func `in a folder that cannot be is refused`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("file", "in the way")
        #expect(sentence { try LatentCache(memoryLimit: 0, folder: file + "/latents") }.contains("Not a directory"))
    }
}
