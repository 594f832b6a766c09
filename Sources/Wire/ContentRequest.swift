package import ContentStore

/// Asks for so many pieces of some content, from some byte on.
///
/// The payload of a message of kind ``Header/Kind/contentRequest``, whose ``Header/round`` numbers the request; 48 bytes,
/// numbers little-endian:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | SHA-256 of the content |
/// | 32 | 8 | first byte |
/// | 40 | 4 | pieces: chunks, of which the content's last may be shorter |
/// | 44 | 4 | 1 when requests that have not been answered are to be forgotten, else 0 |
///
/// Each piece comes as a message of kind ``Header/Kind/content`` with the request's number in ``Header/round`` and the
/// place of its first byte in ``Header/step``; or one comes whose ``Header/shard`` is 1 and whose payload says in
/// a sentence why the content cannot be had.
package struct ContentRequest: Equatable, Sendable {
    /// Bytes of a request.
    package static let size = 48
    /// The longest sentence with which a request is refused, in bytes.
    package static let reasonLimit = 1000

    package var hash: ContentHash
    package var offset: Int
    package var pieces: Int
    /// Whether earlier requests are to be forgotten.
    package var startsOver: Bool

    package init(hash: ContentHash, offset: Int, pieces: Int, startsOver: Bool = false) {
        self.hash = hash
        self.offset = offset
        self.pieces = pieces
        self.startsOver = startsOver
    }

    /// The 48 bytes.
    package var bytes: [UInt8] {
        var bytes = hash.bytes
        withUnsafeBytes(of: UInt64(offset).littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(clamping: pieces).littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(startsOver ? 1 : 0).littleEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Reads a request.
    ///
    /// - Parameters:
    ///   - bytes: exactly ``size`` of them.
    ///   - limit: the most pieces that may be asked for.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, limit: Int
    ) throws(WireError) -> ContentRequest {
        guard bytes.count == size, let hash = ContentHash(bytes[..<ContentHash.size]) else {
            throw .payloadLength(said: size, got: bytes.count)
        }
        let offset = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self))
        let pieces = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 40, as: UInt32.self))
        let again = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 44, as: UInt32.self))
        guard let first = Int(exactly: offset), 1...max(1, limit) ~= Int(pieces), again <= 1 else {
            throw .contentPart(offset: offset, pieces: pieces)
        }
        return ContentRequest(hash: hash, offset: first, pieces: Int(pieces), startsOver: again == 1)
    }
}
