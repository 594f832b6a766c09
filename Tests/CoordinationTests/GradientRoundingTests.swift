import Recipe
import TestSupport
import Testing
import Wire

@testable import Coordination

@Suite struct `Rounded gradients` {
    private static let count = 1000
    /// 300 floats: blocks begin anew in the middle of a gradient.
    private static let chunkBytes = 1200

    private func gradient(_ seed: UInt64, size: Float = 1) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<Self.count).map { Float($0 % 7 + 1) * 0.01 * size + .random(in: -size...size, using: &random) }
    }

    private func flat(_ values: [Float]) -> FlatFloats { values.withUnsafeBufferPointer { FlatFloats(copying: $0) } }

    private func rounded(_ values: [Float], _ rounding: inout GradientRounding) -> [Float] {
        let floats = flat(values)
        rounding.round(floats, chunkBytes: Self.chunkBytes)
        return Array(floats.elements)
    }

    @Test(arguments: [GradientFormat.bf16, .int8])
    func `add up to the true sum within one rounding, and without feedback they would not`(format: GradientFormat) {
        var rounding = GradientRounding(format, count: Self.count)
        // The same each time, so that what rounding loses is the same too.
        let gradient = gradient(1)
        let times = 400
        var (with, without) = ([Double](repeating: 0, count: Self.count), [Double](repeating: 0, count: Self.count))
        for step in 0..<times {
            rounding.begin(step: step, round: UInt32(step), lossScale: 1)
            var fresh = GradientRounding(format, count: Self.count)
            for (index, value) in rounded(gradient, &rounding).enumerated() { with[index] += Double(value) }
            for (index, value) in rounded(gradient, &fresh).enumerated() { without[index] += Double(value) }
        }
        func worst(_ sums: [Double]) -> Double {
            zip(sums, gradient).map { abs($0 / Double(times) - Double($1)) }.max() ?? 0
        }
        let unit = 1.07 / (format == .int8 ? 127.0 : 256)
        #expect(worst(with) < unit / Double(times))
        #expect(worst(without) > 20 * worst(with))
    }

    @Test func `are what is written, whatever chunk a number is in`() throws {
        var rounding = GradientRounding(.int8, count: Self.count)
        _ = rounded(gradient(2), &rounding)
        let values = rounded(gradient(3), &rounding)
        for first in stride(from: 0, to: Self.count, by: 300) {
            let chunk = Array(values[first..<min(Self.count, first + 300)])
            var back = chunk.map { _ in Float.nan }
            let bytes = chunk.withUnsafeBufferPointer { GradientFormat.int8.encode($0) }
            try back.withUnsafeMutableBufferPointer { floats in
                try bytes.withUnsafeBytes { try GradientFormat.int8.decode($0, into: floats) }
            }
            #expect(back == chunk)
        }
    }

    @Test(arguments: [GradientFormat.bf16, .int8])
    func `are at most a third longer than the true ones, however long the last one was`(format: GradientFormat) {
        var rounding = GradientRounding(format, count: Self.count)
        var owed = [Double](repeating: 0, count: Self.count)
        for (step, size) in ([1e6, 1, 1e-6, 0, 1, 1, 1e6, 1e6] as [Float]).enumerated() {
            rounding.begin(step: step, round: 1, lossScale: 1)
            let truth = size == 0 ? [Float](repeating: 0, count: Self.count) : gradient(UInt64(step), size: size)
            let values = rounded(truth, &rounding)
            #expect(flat(values).norm <= flat(truth).norm * 4 / 3)
            for index in values.indices { owed[index] += Double(truth[index]) - Double(values[index]) }
        }
        // Nothing of it is lost on the way.
        #expect(owed.allSatisfy { abs($0) < 1.1e6 / (format == .int8 ? 127 : 256) })
    }

    @Test(arguments: [(4, 9, 1), (3, 9, 1), (6, 9, 2)] as [(Int, UInt32, Float)])
    func `owe nothing after a step done again, weights rolled back, or another loss scale`(
        step: Int, round: UInt32, lossScale: Float
    ) {
        var rounding = GradientRounding(.int8, count: Self.count)
        var fresh = GradientRounding(.int8, count: Self.count)
        rounding.begin(step: 4, round: 7, lossScale: 1)
        _ = rounded(gradient(5), &rounding)
        rounding.begin(step: step, round: round, lossScale: lossScale)
        #expect(rounded(gradient(6), &rounding) == rounded(gradient(6), &fresh))
    }

    @Test func `go on owing from sum to sum of a step, and to the next`() {
        for (step, round) in [(4, UInt32(7)), (5, 8)] {
            var rounding = GradientRounding(.int8, count: Self.count)
            var fresh = GradientRounding(.int8, count: Self.count)
            rounding.begin(step: 4, round: 7, lossScale: 1)
            _ = rounded(gradient(5), &rounding)
            rounding.begin(step: step, round: round, lossScale: 1)
            #expect(rounded(gradient(6), &rounding) != rounded(gradient(6), &fresh))
        }
    }

    @Test func `of a sum that overflowed spoil no later one`() {
        var rounding = GradientRounding(.bf16, count: Self.count)
        _ = rounded([Float](repeating: .infinity, count: Self.count), &rounding)
        var fresh = GradientRounding(.bf16, count: Self.count)
        #expect(rounded(gradient(7), &rounding) == rounded(gradient(7), &fresh))
    }

    @Test func `of a shard are rounded as they come, and are the same as at once`() {
        let reduction = Reduction(round: 1, step: 0, slotCount: 1, lossScale: 1, terms: [])
        var (slow, fast) = (
            ShardRounding(.int8, chunkBytes: Self.chunkBytes), ShardRounding(.int8, chunkBytes: Self.chunkBytes)
        )
        gradient(8).withUnsafeBufferPointer { shard in
            let all: [UInt32] = [3, 4, 5, 6]
            let first = slow.round(shard, [5], of: 3..<7, in: reduction)
            for ready: [UInt32] in [[5], [5, 6, 3], [5, 6, 3, 4]] {
                #expect(slow.round(shard, ready, of: 3..<7, in: reduction) === first)
            }
            #expect(first.numbers == fast.round(shard, all, of: 3..<7, in: reduction).numbers)
            #expect(Array(first.elements) != Array(shard))
            // The next round owes what this one lost, unless it was for nothing.
            var next = reduction
            (next.round, next.step) = (2, 1)
            fast.forget()
            let (owing, clean) = (
                slow.round(shard, all, of: 3..<7, in: next), fast.round(shard, all, of: 3..<7, in: next)
            )
            #expect(Array(clean.elements) == Array(first.elements) && Array(owing.elements) != Array(clean.elements))
            // Where the step turns out to be made of other sums, what was rounded of the first ones was for nothing.
            next.number = 2
            #expect(slow.round(shard, all, of: 3..<7, in: next).numbers == clean.numbers)
        }
    }
}
