import CVectors

/// Floats written in fewer bytes, from which they come back bit for bit.
///
/// Of fp32 numbers that were computed, only the exponents are alike: five sixths are left of gradients. Of two sets of
/// weights with one step between them, what lies between each two is small: 0.55 to 0.8 are left of the later ones.
package enum PackedFloats {
    /// - Parameters:
    ///   - floats: as they lie in memory, at any alignment.
    ///   - base: as many floats, close to these, that the reader has, too.
    ///   - place: has room for as many bytes as `floats`.
    /// - Returns: how many bytes of `place` are written; nil where they would not be fewer.
    package static func pack(
        _ floats: UnsafeRawBufferPointer, since base: UnsafeRawBufferPointer? = nil,
        into place: UnsafeMutableRawBufferPointer
    ) -> Int? {
        precondition(place.count >= floats.count && base?.count ?? floats.count == floats.count)
        let count = vectors_pack(
            floats.baseAddress?.assumingMemoryBound(to: Float.self),
            base?.baseAddress?.assumingMemoryBound(to: Float.self),
            floats.count / MemoryLayout<Float>.size, place.baseAddress)
        return count > 0 ? count : nil
    }

    /// Puts floats where they belong; what is no such writing leaves anything there, which their checksum shows.
    package static func unpack(
        _ bytes: UnsafeRawBufferPointer, since base: UnsafeRawBufferPointer? = nil,
        into floats: UnsafeMutableRawBufferPointer
    ) {
        precondition(base?.count ?? floats.count == floats.count)
        _ = vectors_unpack(
            bytes.baseAddress, bytes.count, base?.baseAddress?.assumingMemoryBound(to: Float.self),
            floats.baseAddress?.assumingMemoryBound(to: Float.self), floats.count / MemoryLayout<Float>.size)
    }
}
