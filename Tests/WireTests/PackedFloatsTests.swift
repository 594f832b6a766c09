import TestSupport
import Testing
import Wire

@Suite struct `Floats in fewer bytes` {
    private static let counts = [5, 6, 17, 255, 1000, 32_768, 100_003]
    /// Written before and behind where floats go.
    private static let fence: UInt8 = 0xA5

    /// About as gradients are.
    private func normal(_ count: Int, seed: UInt64, scale: Float = 1e-5) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            (0..<6).reduce(0) { sum, _ in sum + Float.random(in: -1...1, using: &random) } * scale
        }
    }

    private func pack(_ floats: [Float], since base: [Float]? = nil) -> [UInt8]? {
        var place = [UInt8](repeating: 0, count: 4 * floats.count)
        let count = floats.withUnsafeBytes { floats in
            place.withUnsafeMutableBytes { place in
                guard let base else { return PackedFloats.pack(floats, into: place) }
                return base.withUnsafeBytes { PackedFloats.pack(floats, since: $0, into: place) }
            }
        }
        return count.map { Array(place[..<$0]) }
    }

    /// The bits of the floats; fails the test where a byte beside them is written.
    private func unpack(_ bytes: [UInt8], count: Int, since base: [Float]? = nil) -> [UInt32] {
        var place = [UInt8](repeating: Self.fence, count: 4 * count + 32)
        place.withUnsafeMutableBytes { place in
            // At no alignment.
            let floats = UnsafeMutableRawBufferPointer(rebasing: place[17..<17 + 4 * count])
            bytes.withUnsafeBytes { bytes in
                guard let base else { return PackedFloats.unpack(bytes, into: floats) }
                base.withUnsafeBytes { PackedFloats.unpack(bytes, since: $0, into: floats) }
            }
        }
        #expect(
            place[..<17].allSatisfy { $0 == Self.fence } && place[(17 + 4 * count)...].allSatisfy { $0 == Self.fence })
        return place.withUnsafeBytes { place in
            (0..<count).map { place.loadUnaligned(fromByteOffset: 17 + 4 * $0, as: UInt32.self) }
        }
    }

    @Test(arguments: counts) func `come back bit for bit`(count: Int) throws {
        let floats = normal(count, seed: 1)
        // So few have no room for what says how they are written.
        guard count > 100 else { return #expect(pack(floats) == nil) }
        let packed = try #require(pack(floats))
        #expect(unpack(packed, count: count) == floats.map(\.bitPattern))
    }

    @Test(arguments: counts) func `come back as what has changed, bit for bit`(count: Int) throws {
        let base = normal(count, seed: 2, scale: 0.01)
        let later = zip(base, normal(count, seed: 3)).map { $0 + $1 }
        guard count > 100 else { return #expect(pack(later, since: base) == nil) }
        let packed = try #require(pack(later, since: base))
        #expect(unpack(packed, count: count, since: base) == later.map(\.bitPattern))
    }

    @Test func `keep what is no number, both zeros, and the smallest and largest`() throws {
        let odd: [Float] = [
            .nan, -.nan, Float(bitPattern: 0x7F80_0001), .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude,
            -.leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1,
        ]
        let floats = (0..<600).map { odd[$0 * 7 % odd.count] }
        let packed = try #require(pack(floats))
        #expect(unpack(packed, count: 600) == floats.map(\.bitPattern))
        let base = (0..<600).map { odd[$0 * 5 % odd.count] }
        let changed = try #require(pack(floats, since: base))
        #expect(unpack(changed, count: 600, since: base) == floats.map(\.bitPattern))
    }

    @Test
    func
        `take five sixths where they are a gradient's, two thirds as weights a step later, and next to nothing where all are zero`()
        throws
    {
        let count = 32_768
        let gradient = try #require(pack(normal(count, seed: 4)))
        #expect((0.80...0.86).contains(Double(gradient.count) / Double(4 * count)))
        let base = normal(count, seed: 5, scale: 0.01)
        let later = zip(base, normal(count, seed: 6, scale: 3e-5)).map { $0 + $1 }
        let change = try #require(pack(later, since: base))
        #expect((0.55...0.68).contains(Double(change.count) / Double(4 * count)))
        let zeros = try #require(pack([Float](repeating: 0, count: count)))
        #expect(zeros.count <= 3 * count + 64)
    }

    @Test func `are left as they are where that would not be shorter`() {
        var random = SeededGenerator(seed: 7)
        let noise = (0..<4096).map { _ in Float(bitPattern: .random(in: .min ... .max, using: &random)) }
        #expect(pack(noise) == nil)
        #expect(pack([]) == nil)
    }

    @Test(arguments: 0..<UInt64(200)) func `do no harm where the bytes are not what was written`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = 2_000
        let floats = normal(count, seed: seed)
        var bytes = try #require(pack(floats))
        switch seed % 4 {
        case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case 1: bytes.append(contentsOf: [1, 2, 3])
        // What says how long each plane is.
        case 2: bytes[Int.random(in: 0..<16, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
        default:
            for _ in 0..<8 {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
        }
        _ = unpack(bytes, count: count)
        _ = unpack(bytes, count: count, since: floats)
        // Of another number of floats it is nothing.
        _ = unpack(bytes, count: count - 1)
    }

    @Test func `are packed by many threads at once`() async throws {
        let floats = normal(20_000, seed: 8)
        let expected = try #require(pack(floats))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    (0..<20).allSatisfy { _ in
                        pack(floats) == expected && unpack(expected, count: floats.count) == floats.map(\.bitPattern)
                    }
                }
            }
            for await same in group { #expect(same) }
        }
    }
}
