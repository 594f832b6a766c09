import CVectors

/// In which order, from what and to where the parts of a shard are added: the slot tree over the sums that there are.
///
/// What lies between the sums and the result needs no more memory than a chunk for each level of the tree.
struct ShardPlan {
    /// Memory with the shard in it, from `start` on.
    struct Memory {
        let floats: FlatFloats
        let start: Int
    }

    private enum Place {
        case memory(Memory)
        /// One of ``scratch``, which holds a chunk at a time.
        case scratch(Int)
    }

    /// `into = left + right`.
    private struct Addition {
        var into: Place
        let left: Place
        let right: Place
    }

    /// Where the sum is.
    let result: Memory
    private var additions: [Addition] = []
    private var scratch: [FlatFloats] = []

    /// - Parameters:
    ///   - sums: over whole subtrees of `0..<slotCount`, none of which overlaps another; slots in none are left out.
    ///   - count: floats of the shard.
    ///   - chunkCount: floats of its longest chunk.
    init(slotCount: Int, of sums: [Range<Int>: Memory], count: Int, chunkCount: Int) {
        var additions: [Addition] = []
        var levels = 0

        /// - Parameter level: the first of the scratch chunks that are free.
        func place(of node: Range<Int>, level: Int) -> Place? {
            if let sum = sums[node] { return .memory(sum) }
            guard let (leftNode, rightNode) = SlotTree.children(of: node) else { return nil }
            guard let left = place(of: leftNode, level: level) else { return place(of: rightNode, level: level) }
            guard let right = place(of: rightNode, level: level + 1) else { return left }
            levels = max(levels, level + 1)
            additions.append(Addition(into: .scratch(level), left: left, right: right))
            return .scratch(level)
        }
        let root = slotCount > 0 ? place(of: 0..<slotCount, level: 0) : nil
        if case .memory(let only)? = root {
            result = only
            return
        }
        result = Memory(floats: root == nil ? .zeros(count: count) : FlatFloats(count: count), start: 0)
        if !additions.isEmpty { additions[additions.count - 1].into = .memory(result) }
        self.additions = additions
        scratch = (0..<levels).map { _ in FlatFloats(count: min(count, chunkCount)) }
    }

    /// Adds up some floats of the shard, no more than a chunk of them.
    func add(_ range: Range<Int>) {
        for addition in additions {
            vectors_add(
                address(addition.into, range), address(addition.left, range), address(addition.right, range),
                range.count)
        }
    }

    private func address(_ place: Place, _ range: Range<Int>) -> UnsafeMutablePointer<Float>? {
        switch place {
        case .memory(let memory): memory.floats.elements.baseAddress.map { $0 + memory.start + range.lowerBound }
        case .scratch(let index): scratch[index].elements.baseAddress
        }
    }
}
