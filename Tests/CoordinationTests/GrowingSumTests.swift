import Recipe
import TestSupport
import Testing

@testable import Coordination

@Suite struct `A sum that leaves while it is made` {
    private static let count = 100

    private static func gradient(_ slot: Int) -> FlatFloats {
        let floats = FlatFloats(count: count)
        var random = SeededGenerator(seed: UInt64(slot))
        for index in 0..<count {
            floats.elements[index] = Float.random(in: -1...1, using: &random) * [1, 1e-4, 1e4][index % 3]
        }
        return floats
    }

    /// Cuts `0..<count` into pieces, in any order; some floats are in none, some in two.
    private static func pieces(_ random: inout SeededGenerator) -> [Range<Int>] {
        var cuts = Set((0..<8).map { _ in Int.random(in: 0...count, using: &random) }).sorted()
        cuts.append(count)
        let pieces = zip(cuts, cuts.dropFirst()).map { max(0, $0 - 3)..<$1 }
        return pieces.shuffled(using: &random)
    }

    @Test(arguments: 1...17) func `has the bits of one that is made at once`(slotCount: Int) {
        let tree = SlotTree(slotCount: slotCount)
        var random = SeededGenerator(seed: UInt64(slotCount))
        for first in 0..<slotCount {
            var whole = PartialSums(over: first..<slotCount, in: tree)
            var growing = PartialSums(over: first..<slotCount, in: tree)
            for slot in first..<slotCount {
                let expected = whole.add(Self.gradient(slot), of: slot)
                let completion = growing.completion(by: slot)
                #expect(completion?.slots == expected.first?.slots)
                guard let (slots, lefts) = completion else {
                    #expect(growing.add(Self.gradient(slot), of: slot).isEmpty)
                    continue
                }
                var told: [Int: Float] = [:]
                let sum = GrowingSum(count: Self.count, adding: lefts) { sum, range in
                    for index in range {
                        #expect(told[index] == nil)
                        told[index] = sum.elements[index]
                    }
                }
                _ = sum.gradient.elements.update(fromContentsOf: Self.gradient(slot).numbers)
                for piece in Self.pieces(&random) { sum.finish(piece) }
                sum.finish()
                let finished = growing.complete(slots, with: sum.sum)
                #expect(finished.map(\.slots) == expected.map(\.slots))
                #expect(finished.map { Array($0.sum.elements) } == expected.map { Array($0.sum.elements) })
                #expect((0..<Self.count).map { told[$0] } == finished.last.map { $0.sum.elements.map { $0 } })
                #expect(abs(sum.sumNorm - sum.sum.norm) <= 1e-12 * sum.sum.norm)
            }
        }
    }

    @Test func `tells of nothing from where a number is not finite`() {
        var told: [Range<Int>] = []
        let sum = GrowingSum(count: Self.count, adding: [Self.gradient(0)]) { _, range in told.append(range) }
        _ = sum.gradient.elements.update(fromContentsOf: Self.gradient(1).numbers)
        sum.gradient.elements[50] = .infinity
        sum.finish(60..<100)
        sum.finish(40..<60)
        sum.finish(0..<40)
        #expect(told == [60..<100])
        #expect(!sum.gradientNorm.isFinite)
    }

    @Test(arguments: [GradientFormat.fp32, .bf16, .int8])
    func `goes out chunk by chunk, each once and rounded as at once`(
        format: GradientFormat
    ) {
        let chunkBytes = 64
        var random = SeededGenerator(seed: 3)
        for round: UInt32 in 1...5 {
            var (atOnce, inParts) = (
                GradientRounding(format, count: Self.count), GradientRounding(format, count: Self.count)
            )
            atOnce.begin(step: 0, round: round, lossScale: 1)
            inParts.begin(step: 0, round: round, lossScale: 1)
            let expected = Self.gradient(Int(round))
            atOnce.round(expected, chunkBytes: chunkBytes)
            var sums = SumsUnderWay(chunkBytes: chunkBytes)
            var gone: [UInt32] = []
            let sum = Self.gradient(Int(round))
            for piece in Self.pieces(&random) + [0..<Self.count] {
                let (floats, done) = sums.grow(sum, over: 0..<2, round: round, by: piece, rounding: &inParts)
                gone += done
                for chunk in done {
                    let bytes = chunkRange(Int(chunk), of: Self.count * 4, in: chunkBytes)
                    let range = bytes.lowerBound / 4..<bytes.upperBound / 4
                    #expect(Array(floats.elements[range]) == Array(expected.elements[range]))
                }
            }
            #expect(gone.sorted() == Array(0..<7))
            #expect(sums.sums(with: 1, round: round) == [0..<2] && sums.sums(with: 2, round: round).isEmpty)
            let ends = [sums.end(0..<2, round: round), sums.end(0..<2, round: round)]
            #expect(ends == [true, false])
        }
    }
}
