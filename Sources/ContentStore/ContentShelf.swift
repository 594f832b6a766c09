import Glibc

/// The contents that a run is made of, and where they lie on this box: all that is ever handed out.
package struct ContentShelf: Sendable {
    private enum Source: Sendable {
        case memory([UInt8])
        case file(String, FileIdentity)
    }

    private var sources: [ContentHash: (content: Content, source: Source)] = [:]

    package init() {}

    /// Lists bytes that are held in memory.
    @discardableResult
    package mutating func add(_ bytes: [UInt8]) -> Content {
        let content = Content(of: bytes)
        sources[content.hash] = (content, .memory(bytes))
        return content
    }

    /// Lists a file that is known to hold `hash`.
    ///
    /// - Throws: ``ContentError`` when there is no such file.
    @discardableResult
    package mutating func add(_ hash: ContentHash, file path: String) throws(ContentError) -> Content {
        let identity = try OpenFile(path, O_RDONLY, action: "read").identity
        let content = Content(hash: hash, count: identity.size)
        sources[hash] = (content, .file(path, identity))
        return content
    }

    /// Lists something no longer.
    package mutating func remove(_ hash: ContentHash) { sources[hash] = nil }

    /// What is listed under a hash.
    package subscript(hash: ContentHash) -> Content? { sources[hash]?.content }

    /// Opens what is listed under a hash; nil when nothing is.
    ///
    /// - Throws: ``ContentError/changed(_:)`` when the file is not the one that was listed.
    package func open(_ hash: ContentHash) throws(ContentError) -> ContentReader? {
        guard let (content, source) = sources[hash] else { return nil }
        switch source {
        case .memory(let bytes): return ContentReader(content, .memory(bytes))
        case .file(let path, let identity):
            let file = try OpenFile(path, O_RDONLY, action: "read")
            guard try file.identity == identity else { throw .changed(path) }
            return ContentReader(content, .file(file))
        }
    }
}

/// Content that is being read, a piece at a time.
package final class ContentReader {
    enum Place {
        case memory([UInt8])
        case file(OpenFile)
    }

    package let content: Content
    private let place: Place

    init(_ content: Content, _ place: Place) {
        self.content = content
        self.place = place
    }

    /// `count` bytes from `offset` on.
    ///
    /// - Throws: ``ContentError`` when there are not as many.
    package func bytes(at offset: Int, count: Int) throws(ContentError) -> [UInt8] {
        guard offset >= 0, count >= 0, count <= content.count - offset else { throw .changed("\(content.hash)") }
        switch place {
        case .memory(let bytes): return Array(bytes[offset..<offset + count])
        case .file(let file):
            var read: Result<Int, ContentError> = .success(0)
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                read = Result { () throws(ContentError) in
                    try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
                }
                filled = (try? read.get()) ?? 0
            }
            guard try read.get() == count else { throw .changed(file.path) }
            return bytes
        }
    }
}
