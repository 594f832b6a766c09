import Recipe
import Wire

/// An owner's adding-up of its shard: segments of sums go in chunk by chunk, from anybody in any order, and the shard of
/// the step's sum comes out chunk by chunk, as soon as all that belongs to a chunk is there.
///
/// The same fixed tree as ``TreeSum``, and so the same bits.
final class ShardSum {
    /// Whose sum over which slots.
    struct Term: Hashable {
        let worker: UInt32
        let slots: Range<Int>
    }

    /// One addition of the plan: `into = left + right`.
    private struct Addition {
        let into: Operand
        let left: Operand
        let right: Operand
    }

    /// Memory with the shard in it, from `start` on.
    private struct Operand {
        let floats: FlatFloats
        let start: Int
    }

    /// Chunks of the flat gradient that make up the shard.
    let chunks: Range<UInt32>
    let round: UInt32
    private let count: Int
    private let chunkBytes: Int
    private let format: GradientFormat
    /// This worker's own sums, which stay as they are: they may have to be sent again.
    private var own: [Term: FlatFloats] = [:]
    private var others: [Term: Assembly] = [:]
    private var reduction: Reduction?
    private var additions: [Addition] = []
    private var result: Operand?
    /// Chunks of ``chunks`` that are added up, from the first on.
    private(set) var ready: UInt32 = 0

    /// - Parameters:
    ///   - count: floats of the whole gradient.
    ///   - chunkBytes: bytes of each chunk but the last, as floats.
    ///   - format: how others' sums are written.
    init(_ chunks: Range<UInt32>, round: UInt32, count: Int, chunkBytes: Int, format: GradientFormat = .fp32) {
        self.chunks = chunks
        self.round = round
        self.count = count
        self.chunkBytes = chunkBytes
        self.format = format
    }

    /// Takes a whole sum of this worker's own.
    func take(own sum: FlatFloats, of term: Term) { own[term] = sum }

    /// Puts a chunk of another worker's sum where it belongs.
    ///
    /// - Parameter limit: sums of one worker that are held at a time.
    func take(_ header: Header, _ payload: UnsafeRawBufferPointer, limit: Int) throws(WireError) {
        guard chunks.contains(header.chunk) else { throw .chunk(index: header.chunk, count: header.chunkCount) }
        let term = Term(
            worker: header.stamp.worker.number, slots: Int(header.slots.lowerBound)..<Int(header.slots.upperBound))
        if others[term] == nil {
            guard others.keys.count(where: { $0.worker == term.worker }) < limit else {
                throw .slots(lower: header.slots.lowerBound, upper: header.slots.upperBound)
            }
            others[term] = Assembly(
                Assembly.Subject(header), count: count, chunkBytes: chunkBytes, chunks: chunks, format: format,
                isMeasured: true)
        }
        try others[term]?.take(header, payload)
    }

    /// Learns which sums the step is made of.
    func begin(_ reduction: Reduction) {
        guard self.reduction == nil else { return }
        self.reduction = reduction
    }

    /// Adds up what can be added up.
    ///
    /// - Returns: where the shard is, once it is known, and how many of its chunks are there.
    func advance() -> (floats: FlatFloats, start: Int, ready: UInt32)? {
        guard let reduction else { return nil }
        let terms = reduction.terms.compactMap { term in
            term.slots.map { Term(worker: term.worker, slots: $0) }
        }
        // Nobody's memory is taken into the plan before its first chunk is here.
        guard terms.allSatisfy({ own[$0] != nil || others[$0] != nil }) else { return nil }
        if result == nil { result = plan(reduction, terms) }
        guard let result else { return nil }
        while ready < chunks.count, terms.allSatisfy({ others[$0]?.has(chunks.lowerBound + ready) ?? true }) {
            add(chunks.lowerBound + ready)
            ready += 1
        }
        return (result.floats, result.start, ready)
    }

    /// How long each of the sums is in this shard, once all of it is added up.
    func measurement() -> Measurement? {
        guard let reduction, ready == chunks.count else { return nil }
        let terms = reduction.terms.compactMap { term in term.slots.map { Term(worker: term.worker, slots: $0) } }
        let first = chunkRange(Int(chunks.lowerBound), of: count * 4, in: chunkBytes).lowerBound / 4
        let end = chunkRange(Int(chunks.upperBound) - 1, of: count * 4, in: chunkBytes).upperBound / 4
        return Measurement(
            round: round,
            squares: terms.map { term in
                // Adding up overwrites what came from others, which was measured when it came; its own sums stay.
                own[term].map { squares(UnsafeBufferPointer(rebasing: $0.elements[first..<end])) }
                    ?? others[term]?.squares(of: chunks) ?? 0
            })
    }

    private func plan(_ reduction: Reduction, _ terms: [Term]) -> Operand? {
        let bySlots = Dictionary(terms.map { ($0.slots, $0) }, uniquingKeysWith: { first, _ in first })
        let bytes = chunkRange(Int(chunks.lowerBound), of: count * 4, in: chunkBytes).lowerBound
        let end = chunkRange(Int(chunks.upperBound) - 1, of: count * 4, in: chunkBytes).upperBound
        var borrowed: Set<ObjectIdentifier> = []

        func value(of node: Range<Int>) -> Operand? {
            if let term = bySlots[node] {
                if let floats = own[term] {
                    borrowed.insert(ObjectIdentifier(floats))
                    return Operand(floats: floats, start: bytes / 4)
                }
                return others[term].map { Operand(floats: $0.floats, start: 0) }
            }
            guard let (leftNode, rightNode) = SlotTree.children(of: node) else { return nil }
            guard let left = value(of: leftNode) else { return value(of: rightNode) }
            guard let right = value(of: rightNode) else { return left }
            let into: Operand
            if !borrowed.contains(ObjectIdentifier(left.floats)) {
                into = left
            } else if !borrowed.contains(ObjectIdentifier(right.floats)) {
                into = right
            } else {
                into = Operand(floats: FlatFloats(count: (end - bytes) / 4), start: 0)
            }
            additions.append(Addition(into: into, left: left, right: right))
            return into
        }
        guard reduction.slotCount > 0 else { return nil }
        return value(of: 0..<reduction.slotCount)
            ?? Operand(floats: .zeros(count: (end - bytes) / 4), start: 0)
    }

    private func add(_ chunk: UInt32) {
        let origin = chunkRange(Int(chunks.lowerBound), of: count * 4, in: chunkBytes).lowerBound
        let range = chunkRange(Int(chunk), of: count * 4, in: chunkBytes)
        let (offset, length) = ((range.lowerBound - origin) / 4, range.count / 4)
        for addition in additions {
            guard let into = addition.into.floats.elements.baseAddress,
                let left = addition.left.floats.elements.baseAddress,
                let right = addition.right.floats.elements.baseAddress
            else { continue }
            let (sum, a, b) = (
                into + addition.into.start + offset, left + addition.left.start + offset,
                right + addition.right.start + offset
            )
            for index in 0..<length { sum[index] = a[index] + b[index] }
        }
    }
}
