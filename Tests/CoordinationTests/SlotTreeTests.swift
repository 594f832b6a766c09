import Coordination
import TestSupport
import Testing

@Suite struct `The slot tree` {
    /// Values whose sum depends on the order of adding up.
    private static func value(_ slot: Int) -> Float {
        var random = SeededGenerator(seed: UInt64(slot))
        let scales: [Float] = [1, 1e-3, 1e4]
        return Float.random(in: -1...1, using: &random) * scales[Int.random(in: 0..<3, using: &random)]
    }

    /// The design's words, literally.
    private static func definition(_ node: Range<Int>, without leftOut: Set<Int> = []) -> Float? {
        if node.count == 1 { return leftOut.contains(node.lowerBound) ? nil : value(node.lowerBound) }
        var power = 1
        while power * 2 < node.count { power *= 2 }
        let middle = node.lowerBound + power
        switch (
            definition(node.lowerBound..<middle, without: leftOut),
            definition(middle..<node.upperBound, without: leftOut)
        ) {
        case (let left?, let right?): return left + right
        case (let one, let other): return one ?? other
        }
    }

    private static func gradient(_ slot: Int) -> FlatFloats {
        [value(slot), 1].withUnsafeBufferPointer { FlatFloats(copying: $0) }
    }

    private static func sums(_ slots: Range<Int>, _ tree: SlotTree) -> [PartialSums.Finished] {
        var sums = PartialSums(over: slots, in: tree)
        return slots.flatMap { sums.add(gradient($0), of: $0) }
    }

    @Test(arguments: [(1, 0), (2, 1), (3, 2), (4, 2), (5, 4), (7, 4), (8, 4), (9, 8), (33, 32)])
    func `splits at the largest power of two below its size`(size: Int, middle: Int) {
        #expect(SlotTree(slotCount: size).subtrees(in: 0..<max(1, middle)) == [0..<max(1, middle)])
        #expect(SlotTree(slotCount: size).isNode(0..<size))
        #expect(size == middle + 1 || middle == 0 || !SlotTree(slotCount: size).isNode(0..<middle + 1))
    }

    @Test(arguments: 1...33)
    func `gives the same bits for every cut into two leases`(slotCount: Int) throws {
        let tree = SlotTree(slotCount: slotCount)
        let expected = try #require(Self.definition(0..<slotCount))
        for cut in 0...slotCount {
            for order in [false, true] {
                var total = TreeSum(tree)
                var parts = Self.sums(0..<cut, tree) + Self.sums(cut..<slotCount, tree)
                if order { parts.reverse() }
                for (slots, sum) in parts { total.take(sum, over: slots) }
                #expect(total.count == 1)
                let sum = try #require(try total.finish(leavingOut: []))
                #expect(sum.elements[0].bitPattern == expected.bitPattern)
                #expect(sum.elements[1] == Float(slotCount))
            }
        }
    }

    @Test(arguments: 1...12)
    func `gives the same bits for every cut into three leases`(slotCount: Int) throws {
        let tree = SlotTree(slotCount: slotCount)
        let expected = try #require(Self.definition(0..<slotCount))
        for first in 0...slotCount {
            for second in first...slotCount {
                var total = TreeSum(tree)
                let parts = [second..<slotCount, 0..<first, first..<second].flatMap { Self.sums($0, tree) }
                for (slots, sum) in parts { total.take(sum, over: slots) }
                #expect(try total.finish(leavingOut: [])?.numbers[0].bitPattern == expected.bitPattern)
            }
        }
    }

    @Test(arguments: 1...33)
    func `makes a lease few subtrees, in order and without gaps`(slotCount: Int) {
        let tree = SlotTree(slotCount: slotCount)
        let most = 2 * (Int.bitWidth - slotCount.leadingZeroBitCount)
        for lower in 0..<slotCount {
            for upper in lower + 1...slotCount {
                let nodes = tree.subtrees(in: lower..<upper)
                #expect(nodes.allSatisfy { tree.isNode($0) })
                #expect(nodes.flatMap { Array($0) } == Array(lower..<upper))
                #expect(nodes.count <= most)
            }
        }
    }

    @Test(arguments: 1...9)
    func `counts a slot left out as not being there, wherever the sums come from`(slotCount: Int) throws {
        let tree = SlotTree(slotCount: slotCount)
        for mask in 0..<1 << slotCount {
            let leftOut = Set((0..<slotCount).filter { mask >> $0 & 1 == 1 })
            let expected = Self.definition(0..<slotCount, without: leftOut)
            for cut in 0...slotCount {
                var total = TreeSum(tree)
                for slots in [0..<cut, cut..<slotCount] {
                    var sums = PartialSums(over: slots, in: tree)
                    for slot in slots {
                        let parts =
                            leftOut.contains(slot) ? sums.leaveOut(slot) : sums.add(Self.gradient(slot), of: slot)
                        for (slots, sum) in parts { total.take(sum, over: slots) }
                    }
                }
                let sum = try total.finish(leavingOut: leftOut)
                #expect(sum?.elements[0].bitPattern == expected?.bitPattern)
            }
        }
    }

    @Test func `takes a larger sum in place of the smaller ones in it`() throws {
        let tree = SlotTree(slotCount: 8)
        var total = TreeSum(tree)
        for (slots, sum) in Self.sums(0..<1, tree) + Self.sums(2..<4, tree) { total.take(sum, over: slots) }
        for (slots, sum) in Self.sums(0..<4, tree) + Self.sums(4..<8, tree) { total.take(sum, over: slots) }
        #expect(try total.finish(leavingOut: [])?.numbers[1] == 8)
    }

    @Test func `is not finished without a slot`() {
        let tree = SlotTree(slotCount: 8)
        var total = TreeSum(tree)
        for (slots, sum) in Self.sums(0..<5, tree) { total.take(sum, over: slots) }
        #expect(throws: TreeSum.Incomplete.self) { try total.finish(leavingOut: [5, 7]) }
    }

    @Test func `holds a logarithm of sums while adding up`() {
        let tree = SlotTree(slotCount: 64)
        var sums = PartialSums(over: 0..<64, in: tree)
        weak var first: FlatFloats?
        for slot in 0..<63 {
            let gradient = Self.gradient(slot)
            if slot == 1 { first = gradient }
            #expect(sums.add(gradient, of: slot).isEmpty)
        }
        #expect(first == nil)
    }

    @Test func `has no node outside the step`() {
        let tree = SlotTree(slotCount: 6)
        for slots in [0..<0, 6..<7, 0..<8, -1..<1, 4..<8, 1..<3, 2..<6] { #expect(!tree.isNode(slots)) }
        for slots in [0..<6, 0..<4, 4..<6, 5..<6] { #expect(tree.isNode(slots)) }
    }
}
