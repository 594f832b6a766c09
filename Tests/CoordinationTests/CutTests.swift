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

    @Test func `leaves no gap, and makes nobody later than need be`() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<500 {
            let count = Int.random(in: 1...70, using: &random)
            let speeds = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                Double.random(in: 0.05...4, using: &random)
            }
            let ranges = cut(count, among: speeds)
            #expect(ranges.count == speeds.count)
            #expect(ranges.flatMap { Array($0) } == Array(0..<count))
            let slowest = zip(ranges, speeds).map { Double($0.count) / $1 }.max() ?? 0
            // The least time: some worker ends a whole slot exactly then.
            let times = speeds.flatMap { speed in (1...count).map { Double($0) / speed } }.sorted()
            let least = times.first { time in speeds.reduce(0) { $0 + Int(time * $1 * (1 + 1e-9)) } >= count } ?? 0
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
