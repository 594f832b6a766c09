import Recipe
import Wire

/// An owner's adding-up of its shard: segments of sums go in chunk by chunk, from anybody in any order, and the shard of
/// the step's sum comes out chunk by chunk, as soon as all that belongs to a chunk is there.
///
/// The same fixed tree as ``TreeSum``, and so the same bits. What goes in stays as it is: the step may turn out to be made
/// of other sums.
final class ShardSum {
    /// Whose sum over which slots.
    struct Term: Hashable {
        let worker: UInt32
        let slots: Range<Int>
    }

    /// Chunks of the flat gradient that make up the shard.
    let chunks: Range<UInt32>
    let round: UInt32
    private let count: Int
    private let chunkBytes: Int
    private let format: GradientFormat
    /// This worker's own sums, and which chunks of them are done.
    private var own: [Term: (floats: FlatFloats, chunks: Set<UInt32>)] = [:]
    private var others: [Term: Assembly] = [:]
    private var reduction: Reduction?
    private var terms: [Term] = []
    private var plan: ShardPlan?
    /// Chunks of which something has come since they were looked at.
    private var touched: Set<UInt32> = []
    /// Chunks that are added up, in the order in which they were.
    private(set) var ready: [UInt32] = []

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

    /// Takes more chunks of a whole sum of this worker's own; those of other shards are passed over.
    func take(own sum: FlatFloats, of term: Term, chunks done: some Sequence<UInt32>) {
        let mine = done.filter(chunks.contains)
        if own[term]?.floats !== sum { own[term] = (sum, []) }
        own[term]?.chunks.formUnion(mine)
        touched.formUnion(mine)
    }

    /// Puts a chunk of another worker's sum where it belongs.
    ///
    /// - Parameter limit: sums of one worker that are held at a time.
    /// - Returns: whether all of that sum's part is here now.
    func take(_ header: Header, _ payload: UnsafeRawBufferPointer, limit: Int) throws(WireError) -> Bool {
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
        touched.insert(header.chunk)
        return others[term]?.isComplete ?? false
    }

    /// Learns which sums the step is made of; another reduction than the one before begins anew.
    func begin(_ reduction: Reduction) {
        guard self.reduction?.number != reduction.number else { return }
        self.reduction = reduction
        terms = reduction.terms.compactMap { term in term.slots.map { Term(worker: term.worker, slots: $0) } }
        plan = nil
        ready = []
        touched = Set(chunks)
    }

    /// Adds up what can be added up.
    ///
    /// - Returns: where the shard is, once it is known; ``ready`` says which of its chunks are there.
    func advance() -> (floats: FlatFloats, start: Int)? {
        guard let reduction else { return nil }
        // Nobody's memory is taken into the plan before its first chunk is here.
        if plan == nil, terms.allSatisfy({ own[$0] != nil || others[$0] != nil }) { plan = makePlan(reduction) }
        guard let plan else { return nil }
        for chunk in touched.sorted() where terms.allSatisfy({ has(chunk, of: $0) }) && !ready.contains(chunk) {
            plan.add(floats(of: chunk))
            ready.append(chunk)
        }
        touched = []
        return (plan.result.floats, plan.result.start)
    }

    /// How long each of the sums is in this shard, once all of it is added up.
    func measurement() -> Measurement? {
        guard let reduction, ready.count == chunks.count else { return nil }
        let whole = origin / 4..<end / 4
        return Measurement(
            round: round, reduction: reduction.number,
            squares: terms.map { term in
                own[term].map { squares(UnsafeBufferPointer(rebasing: $0.floats.elements[whole])) }
                    ?? others[term]?.squares(of: chunks) ?? 0
            })
    }

    private func has(_ chunk: UInt32, of term: Term) -> Bool {
        own[term]?.chunks.contains(chunk) ?? others[term]?.has(chunk) ?? false
    }

    /// The shard's first byte and its end in the whole.
    private var origin: Int { chunkRange(Int(chunks.lowerBound), of: count * 4, in: chunkBytes).lowerBound }
    private var end: Int { chunkRange(Int(chunks.upperBound) - 1, of: count * 4, in: chunkBytes).upperBound }

    /// Which floats of the shard a chunk is.
    private func floats(of chunk: UInt32) -> Range<Int> {
        let range = chunkRange(Int(chunk), of: count * 4, in: chunkBytes)
        return (range.lowerBound - origin) / 4..<(range.upperBound - origin) / 4
    }

    private func makePlan(_ reduction: Reduction) -> ShardPlan {
        var memory: [Range<Int>: ShardPlan.Memory] = [:]
        for term in terms where memory[term.slots] == nil {
            memory[term.slots] =
                own[term].map { ShardPlan.Memory(floats: $0.floats, start: origin / 4) }
                ?? others[term].map { ShardPlan.Memory(floats: $0.floats, start: 0) }
        }
        return ShardPlan(
            slotCount: reduction.slotCount, of: memory, count: (end - origin) / 4, chunkCount: chunkBytes / 4)
    }
}
