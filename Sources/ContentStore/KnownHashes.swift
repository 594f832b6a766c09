import Crypto
import Foundation
import Synchronization

/// What files were found to hold, so that gigabytes are not hashed at every start.
///
/// A file is known again by its path, device, inode, size and time of last change. One that was changed within two
/// seconds of being hashed is not remembered: another change could have the same time.
package final class KnownHashes: Sendable {
    private struct Entry: Codable {
        let identity: FileIdentity
        let hash: ContentHash
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var fresh: [String: Entry] = [:]
    }

    private let file: String?
    private let state: Mutex<State>
    /// Files that are remembered; more than a run has.
    private static let capacity = 200_000

    /// - Parameter file: where it is kept; nil keeps it for this process. One that cannot be read is as good as none.
    package init(file: String?) {
        self.file = file
        state = Mutex(State(entries: Self.read(file)))
    }

    /// What a file holds.
    ///
    /// - Parameter progress: told how many bytes have been hashed since it was last told.
    package func content(
        ofFile path: String, progress: (Int) -> Void = { _ in }
    ) throws(ContentError) -> Content {
        let opened = try OpenFile(path, O_RDONLY, action: "read")
        let identity = try opened.identity
        if let known = state.withLock({ $0.entries[path] }), known.identity == identity {
            return Content(hash: known.hash, count: identity.size)
        }
        var hasher = SHA256()
        try hasher.update(opened, upTo: identity.size, progress: progress)
        let hash = ContentHash(hasher.finalize())
        guard try opened.identity == identity else { throw .changed(path) }
        if Int(Date().timeIntervalSince1970 * 1e9) - identity.modified > 2_000_000_000 {
            remember(Entry(identity: identity, hash: hash), at: path)
        }
        return Content(hash: hash, count: identity.size)
    }

    /// Takes it as known what a file holds, which nobody else could have written to since it was hashed.
    func remember(_ opened: OpenFile, at path: String, hash: ContentHash) throws(ContentError) {
        remember(Entry(identity: try opened.identity, hash: hash), at: path)
    }

    private func remember(_ entry: Entry, at path: String) {
        state.withLock {
            $0.entries[path] = entry
            $0.fresh[path] = entry
        }
    }

    /// Keeps what has been learned, for later processes; a disk that does not take it costs them time, no more.
    package func save() {
        guard let file else { return }
        let fresh = state.withLock { state in
            defer { state.fresh = [:] }
            return state.fresh
        }
        guard !fresh.isEmpty else { return }
        var entries = Self.read(file).merging(fresh) { $1 }
        if entries.count > Self.capacity { entries = fresh }
        guard let bytes = try? JSONEncoder().encode(entries) else { return }
        try? makeFolders(URL(filePath: file).deletingLastPathComponent().path)
        try? bytes.write(to: URL(filePath: file), options: .atomic)
    }

    private static func read(_ file: String?) -> [String: Entry] {
        guard let file, let bytes = try? Data(contentsOf: URL(filePath: file)) else { return [:] }
        return (try? JSONDecoder().decode([String: Entry].self, from: bytes)) ?? [:]
    }
}

extension SHA256 {
    /// Takes in a file's first bytes.
    mutating func update(_ file: OpenFile, upTo end: Int, progress: (Int) -> Void) throws(ContentError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, min(4 << 20, end)), alignment: 64)
        defer { buffer.deallocate() }
        var offset = 0
        while offset < end {
            let count = try file.read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, end - offset)]), at: offset)
            guard count > 0 else { throw .changed(file.path) }
            update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
            progress(count)
        }
    }
}
