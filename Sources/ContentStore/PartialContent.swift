import Crypto
import Glibc

/// Content that is arriving: a file that grows, which nobody else writes to, and which a later try goes on with.
package final class PartialContent {
    package let content: Content
    /// Bytes that have arrived.
    package private(set) var count: Int
    private let file: OpenFile
    private let path: String
    private let hashes: KnownHashes
    private var hasher = SHA256()

    /// - Parameter file: locked.
    init(
        _ content: Content, _ file: OpenFile, path: String, hashes: KnownHashes, progress: (Int) -> Void
    ) throws(ContentError) {
        self.content = content
        self.file = file
        self.path = path
        self.hashes = hashes
        count = try file.identity.size
        if count > content.count {
            try file.shorten(to: 0)
            count = 0
        }
        try hasher.update(file, upTo: count, progress: progress)
    }

    package var isComplete: Bool { count == content.count }

    /// Writes the next bytes.
    ///
    /// More than are missing are refused, and nothing of them is written.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(ContentError) {
        guard bytes.count <= content.count - count else { throw wrong() }
        try file.write(bytes, at: count)
        hasher.update(bufferPointer: bytes)
        count += bytes.count
    }

    /// Checks what has arrived, and gives it its name.
    ///
    /// - Returns: where it lies.
    /// - Throws: ``ContentError/wrongHash(found:wanted:)``; then it is empty, to be begun anew.
    package func finish() throws(ContentError) -> String {
        guard isComplete, ContentHash(hasher.finalize()) == content.hash else {
            let error = wrong()
            try file.shorten(to: 0)
            count = 0
            hasher = SHA256()
            throw error
        }
        file.protect()
        try file.flush()
        guard rename(path + ".partial", path) == 0 else { throw .last("write", path) }
        flushFolder(String(path.dropLast(2 * ContentHash.size + 1)))
        try hashes.remember(file, at: path, hash: content.hash)
        return path
    }

    private func wrong() -> ContentError {
        .wrongHash(found: ContentHash(hasher.finalize()), wanted: content.hash)
    }
}
