import ContentStore
import Foundation

/// A cache in a folder of its own, for one test.
final class Cache {
    let folder: String
    let store: ContentStore

    init(limit: Int = 1 << 30) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "danlu-cache-\(UUID().uuidString)").path
        store = try ContentStore(folder: folder, limit: limit)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Bytes that look like nothing else.
    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    /// Puts content in as if it had been fetched.
    @discardableResult
    func add(_ bytes: [UInt8], to store: ContentStore? = nil) throws -> Content {
        let store = store ?? self.store
        let content = Content(of: bytes)
        try store.hold([content])
        guard let partial = try store.begin(content) else { return content }
        try bytes.withUnsafeBytes { try partial.append($0) }
        _ = try partial.finish()
        return content
    }

    func isHere(_ content: Content) -> Bool {
        FileManager.default.fileExists(atPath: store.path(of: content))
    }
}

extension ContentStore.Standing {
    var path: String? { if case .here(let path) = self { path } else { nil } }
}
