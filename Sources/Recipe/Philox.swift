/// The counter-based generator Philox4x32-10: 128 bits of counter and 64 of key in, 128 random bits out.
///
/// It has no state, so any number of a stream can be had without those before it, on any worker. For one key it is a
/// bijection: two counters never give the same block.
///
/// Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011,
/// <https://doi.org/10.1145/2063384.2063405>.
package struct Philox: Equatable, Sendable {
    package typealias Block = SIMD4<UInt32>
    package typealias Key = SIMD2<UInt32>

    /// Words 0 and 1 of the key.
    package let key: Key

    package init(key: Key) {
        self.key = key
    }

    /// The four random words that belong to `counter`.
    @inline(__always)
    package func block(_ counter: Block) -> Block {
        var (x0, x1, x2, x3) = (counter.x, counter.y, counter.z, counter.w)
        var (k0, k1) = (key.x, key.y)
        for round in 0..<10 {
            if round > 0 {
                k0 &+= 0x9E37_79B9  // the golden ratio
                k1 &+= 0xBB67_AE85  // √3 − 1
            }
            let first = UInt64(x0) &* 0xD251_1F53
            let second = UInt64(x2) &* 0xCD9E_8D57
            (x0, x1, x2, x3) = (
                UInt32(truncatingIfNeeded: second >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: first)
            )
        }
        return Block(x0, x1, x2, x3)
    }
}
