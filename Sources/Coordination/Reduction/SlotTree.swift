/// The fixed shape in which a step's gradients are added up.
///
/// fp32 addition is not associative, so the sum of S slots is *defined* as the value of a binary tree over `0..<S`: a
/// node over `[lo, hi)` splits at the largest power of two below its size. Whoever adds up whole subtrees, in
/// whatever share, gives the same bits.
package struct SlotTree: Equatable, Sendable {
    /// S.
    package let slotCount: Int

    package init(slotCount: Int) {
        self.slotCount = slotCount
    }

    /// Where a node of at least two slots splits.
    static func split(_ node: Range<Int>) -> Int {
        node.lowerBound + 1 << (Int.bitWidth - 1 - (node.count - 1).leadingZeroBitCount)
    }

    /// The two halves of a node; nil for a leaf.
    package static func children(of node: Range<Int>) -> (Range<Int>, Range<Int>)? {
        guard node.count > 1 else { return nil }
        let middle = split(node)
        return (node.lowerBound..<middle, middle..<node.upperBound)
    }

    /// Whether `slots` is a whole subtree.
    package func isNode(_ slots: Range<Int>) -> Bool {
        guard !slots.isEmpty, 0 <= slots.lowerBound, slots.upperBound <= slotCount else { return false }
        return slots.count == slotCount || parent(of: slots) != nil
    }

    /// The node whose child `node` is; nil for the root and for what is no node.
    func parent(of node: Range<Int>) -> Range<Int>? {
        var parent = 0..<slotCount
        while parent.count > node.count {
            let middle = SlotTree.split(parent)
            let child = node.lowerBound < middle ? parent.lowerBound..<middle : middle..<parent.upperBound
            if child == node { return parent }
            parent = child
        }
        return nil
    }

    /// The fewest whole subtrees that make up `slots`, in order: at most `2·log2 S`.
    package func subtrees(in slots: Range<Int>) -> [Range<Int>] {
        var result: [Range<Int>] = []
        func collect(_ node: Range<Int>) {
            guard node.overlaps(slots) else { return }
            if slots.lowerBound <= node.lowerBound && node.upperBound <= slots.upperBound {
                result.append(node)
            } else if let (left, right) = SlotTree.children(of: node) {
                collect(left)
                collect(right)
            }
        }
        if slotCount > 0 { collect(0..<slotCount) }
        return result
    }
}
