import CVectors

/// The 64-bit checksum of headers and chunks: XXH3 with seed 0.
///
/// Yann Collet, "xxHash fast digest algorithm", <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>.
package func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 { vectors_checksum(bytes.baseAddress, bytes.count) }

/// The checksum of whole weights: that of the checksums of their pieces, one behind the other and little-endian.
///
/// So who has looked at each piece need not look at the whole again.
package enum WeightsChecksum {
    /// Bytes of each piece but the last.
    package static let pieceBytes = 128 << 10

    /// - Parameter bytes: the weights, as fp32.
    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        of(
            pieces: stride(from: 0, to: bytes.count, by: pieceBytes).map { start in
                checksum(UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.count, start + pieceBytes)]))
            })
    }

    /// - Parameter pieces: the checksum of each.
    package static func of(pieces: [UInt64]) -> UInt64 {
        pieces.map(\.littleEndian).withUnsafeBytes { checksum($0) }
    }
}
