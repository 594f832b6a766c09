import Coordination
import TestSupport
import Testing

@Suite struct `Cutting a step into leases` {
    @Test(
        arguments: [
            (8, [1.0, 1], [4, 4]), (8, [1, 1, 1], [2, 3, 3]), (12, [3, 1], [9, 3]), (64, [1, 1], [32, 32]),
            (2, [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]), (0, [1, 1], [0, 0]), (5, [0.001, 1], [0, 5]), (7, [2], [7]),
        ] as [(Int, [Double], [Int])])
    func `gives shares in proportion to speed`(count: Int, speeds: [Double], sizes: [Int]) {
        #expect(cut(count, among: speeds).map(\.count) == sizes)
    }

    @Test(
        arguments: [
            (8, [1 / 3.0, 1 / 3.0], [0, 6], [5, 3]), (8, [1, 1], [0, 100], [7, 1]), (8, [1, 1], [100, 0], [1, 7]),
            (2, [1, 1], [0, 100], [1, 1]), (9, [2, 1], [1, 0], [5, 4]), (6, [1, 1, 1], [0, 0, 0], [2, 2, 2]),
        ] as [(Int, [Double], [Double], [Int])])
    func `gives less to whose cable is slow, and nobody's last slot away for that`(
        count: Int, speeds: [Double], delays: [Double], sizes: [Int]
    ) {
        #expect(cut(count, among: speeds, after: delays).map(\.count) == sizes)
    }

    @Test func `leaves no gap, and makes nobody later than need be`() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<500 {
            let count = Int.random(in: 1...70, using: &random)
            let speeds = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                Double.random(in: 0.05...4, using: &random)
            }
            let delays = speeds.map { _ in Bool.random(using: &random) ? 0 : Double.random(in: 0...9, using: &random) }
            let ranges = cut(count, among: speeds, after: delays)
            #expect(ranges.count == speeds.count)
            #expect(ranges.flatMap { Array($0) } == Array(0..<count))
            // A first slot is given to whom it would be given without its delay.
            func time(_ slots: Int, _ index: Int) -> Double {
                slots == 0 ? 0 : Double(slots) / speeds[index] + (slots == 1 ? 0 : delays[index])
            }
            let slowest = ranges.indices.map { time(ranges[$0].count, $0) }.max() ?? 0
            // The least time: some worker ends a whole slot exactly then.
            let times = speeds.indices.flatMap { index in (1...count).map { time($0, index) } }.sorted()
            let least =
                times.first { limit in
                    speeds.indices.reduce(0) { sum, index in
                        sum + (1...count).filter { time($0, index) <= limit * (1 + 1e-9) }.count
                    } >= count
                } ?? 0
            #expect(slowest <= least * (1 + 1e-6))
        }
    }

    @Test func `falls on aligned boundaries where that costs nothing`() {
        // Of three shares of 13, one may be smaller: the first ends at 8 rather than 9.
        let tree = SlotTree(slotCount: 13)
        let subtrees = cut(13, among: [1, 1]).map { tree.subtrees(in: $0).count }
        #expect(subtrees.reduce(0, +) <= 4)
    }
}
