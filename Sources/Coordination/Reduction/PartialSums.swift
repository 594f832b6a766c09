/// A worker's adding-up: gradients of slots go in, one after the other, sums over whole subtrees come out.
///
/// At most `log2 S + 1` sums are held at a time.
package struct PartialSums {
    /// A sum that is complete.
    package typealias Finished = (slots: Range<Int>, sum: FlatFloats)

    private let tree: SlotTree
    private var wanted: [Range<Int>]
    private var stack: [Finished] = []

    /// - Parameters:
    ///   - slots: what will be added, in order.
    ///   - tree: the step's.
    package init(over slots: Range<Int>, in tree: SlotTree) {
        self.tree = tree
        wanted = tree.subtrees(in: slots)
    }

    /// Takes the gradient of the next slot, and with it the memory.
    package mutating func add(_ gradient: FlatFloats, of slot: Int) -> [Finished] {
        stack.append((slot..<slot + 1, gradient))
        return settle()
    }

    /// Goes on without `slot`: what would have contained it is handed out in the pieces that do not.
    package mutating func leaveOut(_ slot: Int) -> [Finished] {
        wanted = wanted.flatMap { node in
            node.contains(slot)
                ? tree.subtrees(in: node.lowerBound..<slot) + tree.subtrees(in: slot + 1..<node.upperBound) : [node]
        }
        return settle()
    }

    /// Ends before `slot`: hands out what is held, in pieces that need no more.
    package mutating func end(before slot: Int) -> [Finished] {
        wanted = wanted.flatMap { node in
            node.lowerBound >= slot
                ? [] : node.upperBound <= slot ? [node] : tree.subtrees(in: node.lowerBound..<slot)
        }
        return settle()
    }

    private mutating func settle() -> [Finished] {
        while stack.count >= 2 {
            let (left, right) = (stack[stack.count - 2], stack[stack.count - 1])
            let parent = left.slots.lowerBound..<right.slots.upperBound
            guard tree.isNode(parent), SlotTree.split(parent) == left.slots.upperBound,
                wanted.contains(where: { $0.lowerBound <= parent.lowerBound && parent.upperBound <= $0.upperBound })
            else { break }
            left.sum.add(right.sum)
            stack.removeLast(2)
            stack.append((parent, left.sum))
        }
        let finished = stack.filter { wanted.contains($0.slots) }
        stack.removeAll { wanted.contains($0.slots) }
        return finished
    }
}
