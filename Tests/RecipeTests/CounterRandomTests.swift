import Foundation
import Testing

@testable import Recipe

@Suite struct `The Philox generator` {
    // Random123-1.14, tests/kat_vectors: philox4x32 10
    @Test(
        arguments: [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ] as [([UInt32], [UInt32], [UInt32])])
    func `gives Random123's known answers`(counter: [UInt32], key: [UInt32], expected: [UInt32]) {
        let block = Philox(key: Philox.Key(key)).block(Philox.Block(counter))
        #expect(block == Philox.Block(expected))
    }
}

@Suite struct `A random number with an address` {
    @Test func `is the same whenever and wherever it is drawn`() {
        var first = CounterRandom(seed: 7, purpose: .noise, epoch: 3, picture: 11, repetition: 2)
        var other = CounterRandom(seed: 7, purpose: .noise, epoch: 3, picture: 12, repetition: 2)
        let alone = (0..<9).map { _ in first.uint32() }
        var again = CounterRandom(seed: 7, purpose: .noise, epoch: 3, picture: 11, repetition: 2)
        let interleaved = (0..<9).map { _ in
            _ = other.uint64()
            return again.uint32()
        }
        #expect(alone == interleaved)
    }

    @Test func `changes with every part of its address`() {
        func draw(
            seed: UInt64 = 1, purpose: CounterRandom.Purpose = .noise, epoch: Int = 0, picture: Int = 0,
            repetition: Int = 0
        ) -> UInt64 {
            var random = CounterRandom(
                seed: seed, purpose: purpose, epoch: epoch, picture: picture, repetition: repetition)
            return random.uint64()
        }
        let draws =
            [
                draw(), draw(seed: 2), draw(seed: 1 << 32 | 1), draw(epoch: 1), draw(picture: 1),
                draw(repetition: 1),
            ] + CounterRandom.Purpose.allCases.dropFirst().map { draw(purpose: $0) }
        #expect(Set(draws).count == draws.count)
    }

    @Test func `keeps its meaning for ever`() {
        // Computed apart from this code, with the C library's functions: a change changes what every seed stands for.
        var random = CounterRandom(seed: 42, purpose: .timestep, epoch: 1, picture: 2, repetition: 3)
        #expect((0..<5).map { _ in random.uint32() } == Self.notedWords)
        var noise = CounterRandom(seed: 42, purpose: .noise, epoch: 1, picture: 2, repetition: 3)
        #expect(noise.normals(5).map(\.bitPattern) == Self.notedNormals)
    }
    static let notedWords: [UInt32] = [0x2a7d_a020, 0x0249_af79, 0x129a_4454, 0x8763_1ba9, 0xf3c9_6cac]
    static let notedNormals: [UInt32] = [0x3f08_da26, 0x3e45_cb02, 0xbf80_08cf, 0xbe04_2e0c, 0x3dfc_e6f4]

    @Test func `lies in the unit interval and fills it evenly`() {
        var random = CounterRandom(seed: 5, purpose: .crop)
        let doubles = (0..<20_000).map { _ in random.double() }
        let floats = (0..<20_000).map { _ in random.float() }
        #expect(doubles.allSatisfy { (0..<1).contains($0) })
        #expect(floats.allSatisfy { (0..<1).contains($0) })
        // The mean of n uniform numbers has standard deviation 1/√(12 n) = 0.002.
        #expect(abs(doubles.reduce(0, +) / 20_000 - 0.5) < 0.01)
        #expect(abs(floats.reduce(0, +) / 20_000 - 0.5) < 0.01)
    }

    @Test func `hits every whole number of a range alike`() {
        var random = CounterRandom(seed: 6, purpose: .timestep)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<14_000 { counts[random.integer(in: -3..<4) + 3] += 1 }
        // Each count has mean 2000 and standard deviation 41.
        #expect(counts.allSatisfy { abs($0 - 2000) < 205 })
        #expect(random.integer(in: 8..<9) == 8)
        #expect((0..<99).allSatisfy { _ in (Int.min..<Int.max).contains(random.integer(in: Int.min..<Int.max)) })
    }

    @Test func `rejects the words that would favour small numbers`() {
        // In a range of 3·2⁶² a quarter of all words must be drawn again; by remainder, the low 2⁶² would come twice as often.
        let third = Int(1) << 62
        var random = CounterRandom(seed: 8, purpose: .timestep)
        var counts = [0, 0, 0]
        let range = (-third)..<Int(2 * UInt64(third) - 1)
        for _ in 0..<9000 {
            let drawn = random.integer(in: range)
            counts[drawn < 0 ? 0 : drawn < third ? 1 : 2] += 1
        }
        #expect(counts.allSatisfy { abs($0 - 3000) < 250 })
    }

    @Test func `decides by chance, surely at 0 and 1`() {
        var random = CounterRandom(seed: 9, purpose: .flip)
        #expect((0..<100).allSatisfy { _ in !random.chance(0) })
        #expect((0..<100).allSatisfy { _ in random.chance(1) })
        let heads = (0..<10_000).count { _ in random.chance(0.3) }
        #expect(abs(heads - 3000) < 230)
    }

    @Test func `shuffles without losing anything, every order alike`() {
        var orders: [[Int]: Int] = [:]
        for picture in 0..<6000 {
            var random = CounterRandom(seed: 3, purpose: .epochOrder, picture: picture)
            orders[random.shuffled([1, 2, 3]), default: 0] += 1
        }
        #expect(orders.count == 6)
        #expect(orders.values.allSatisfy { abs($0 - 1000) < 150 })
        var random = CounterRandom(seed: 3, purpose: .epochOrder)
        #expect(random.shuffled([Int]()) == [])
        #expect(random.shuffled(Array(0..<50)).sorted() == Array(0..<50))
    }
}

@Suite struct `Standard normal numbers` {
    @Test func `have the moments of the normal distribution`() {
        var random = CounterRandom(seed: 1, purpose: .noise)
        let n = 100_000
        let drawn = random.normals(n).map(Double.init)
        let mean = drawn.reduce(0, +) / Double(n)
        let variance = drawn.reduce(0) { $0 + $1 * $1 } / Double(n)
        let fourth = drawn.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(n)
        let neighbours = zip(drawn, drawn.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / Double(n - 1)
        #expect(abs(mean) < 0.016)
        #expect(abs(variance - 1) < 0.023)
        #expect(abs(fourth - 3) < 0.16)
        #expect(abs(neighbours) < 0.016)
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 7, 64, 129])
    func `are a prefix of any longer draw`(count: Int) {
        var short = CounterRandom(seed: 2, purpose: .noise, picture: 4)
        var long = short
        #expect(short.normals(count) == Array(long.normals(200).prefix(count)))
    }

    @Test func `go on from wherever the stream stands`() {
        var whole = CounterRandom(seed: 2, purpose: .vaeSample)
        var parts = whole
        let all = whole.normals(26)
        #expect(parts.normals(2) + parts.normals(4) + parts.normals(20) == all)
    }

    @Test func `agree with the C library's logarithm, sine and cosine`() {
        for word in stride(from: UInt32(0), to: UInt32.max - 70_000, by: 65_521) + [1, UInt32.max] {
            let x = (Double(word) + 0.5) * 0x1p-32
            #expect(abs(StandardNormal.logarithm(x) - log(x)) <= 4e-16 * max(1, abs(log(x))))
            let (sine, cosine) = StandardNormal.sineAndCosine(turns: word)
            let angle = 2 * Double.pi * Double(word) * 0x1p-32
            #expect(abs(sine - sin(angle)) < 1e-15)
            #expect(abs(cosine - cos(angle)) < 1e-15)
        }
    }

    @Test func `are finite for every extreme of bits`() {
        for first in [0, 1, UInt32.max] {
            for second in [0, 1 << 29, 1 << 30, 1 << 31, 3 << 30, UInt32.max] as [UInt32] {
                let (a, b) = StandardNormal.pair(first, second)
                #expect(abs(a) <= 6.77 && abs(b) <= 6.77)
            }
        }
    }
}
