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

    /// What the gradient of `slot` completes: the sum over `slots`, which is `gradient` with each of `lefts` added from the
    /// left, in order; nil where it completes nothing that is wanted.
    package func completion(by slot: Int) -> (slots: Range<Int>, lefts: [FlatFloats])? {
        var node = slot..<slot + 1
        var lefts: [FlatFloats] = []
        while !wanted.contains(node) {
            guard let left = stack.dropLast(lefts.count).last else { return nil }
            let parent = left.slots.lowerBound..<node.upperBound
            guard left.slots.upperBound == node.lowerBound, tree.isNode(parent),
                SlotTree.split(parent) == node.lowerBound
            else { return nil }
            lefts.append(left.sum)
            node = parent
        }
        return (node, lefts)
    }

    /// Takes the sum that ``completion(by:)`` told of in place of the gradient.
    package mutating func complete(_ slots: Range<Int>, with sum: FlatFloats) -> [Finished] {
        stack.removeAll { slots.contains($0.slots.lowerBound) }
        stack.append((slots, sum))
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
