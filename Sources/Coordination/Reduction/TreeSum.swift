/// The coordinator's adding-up: sums over whole subtrees go in, from anybody in any order, the step's sum comes out.
package struct TreeSum {
    /// The step was finished although nobody had brought this slot.
    package struct Incomplete: Error, Equatable, CustomStringConvertible {
        package let slot: Int
        package var description: String { "the step's sum lacks slot \(slot); this is a mistake of the coordinator's" }
    }

    private let tree: SlotTree
    private var held: [Range<Int>: FlatFloats] = [:]

    package init(_ tree: SlotTree) {
        self.tree = tree
    }

    /// Sums held now; each is as large as all trained parameters.
    package var count: Int { held.count }

    /// Takes the sum over `node`, and with it the memory, in place of whatever it held below `node`.
    package mutating func take(_ sum: FlatFloats, over node: Range<Int>) {
        for below in held.keys where node.lowerBound <= below.lowerBound && below.upperBound <= node.upperBound {
            held[below] = nil
        }
        var node = node
        var sum = sum
        while let parent = tree.parent(of: node), let (left, right) = SlotTree.children(of: parent) {
            if node == left, let other = held.removeValue(forKey: right) {
                sum.add(other)
            } else if node == right, let other = held.removeValue(forKey: left) {
                other.add(sum)
                sum = other
            } else {
                break
            }
            node = parent
        }
        held[node] = sum
    }

    /// The value of the whole tree, in which a slot left out counts as not being there.
    ///
    /// - Returns: nil when every slot is left out.
    package consuming func finish(leavingOut leftOut: Set<Int>) throws(Incomplete) -> FlatFloats? {
        try value(of: 0..<tree.slotCount, leavingOut: leftOut)
    }

    private mutating func value(of node: Range<Int>, leavingOut leftOut: Set<Int>) throws(Incomplete) -> FlatFloats? {
        if let sum = held.removeValue(forKey: node) { return sum }
        guard let (left, right) = SlotTree.children(of: node) else {
            guard node.isEmpty || leftOut.contains(node.lowerBound) else { throw Incomplete(slot: node.lowerBound) }
            return nil
        }
        guard let first = try value(of: left, leavingOut: leftOut) else {
            return try value(of: right, leavingOut: leftOut)
        }
        if let second = try value(of: right, leavingOut: leftOut) { first.add(second) }
        return first
    }
}
