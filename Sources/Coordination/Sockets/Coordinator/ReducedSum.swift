import Recipe
import Wire

/// The step's sum as the owners of its shards send it, chunk by chunk, and the coordinator's own part in it where an
/// owner is gone.
struct ReducedSum {
    private let parameterCount: Int
    private let chunkBytes: Int
    private let format: GradientFormat
    private var assembly: Assembly?
    private var orphan: OrphanShard?
    private var fresh: [UInt32] = []

    /// - Parameter format: how owners write the sum.
    init(parameterCount: Int, chunkBytes: Int, format: GradientFormat) {
        self.parameterCount = parameterCount
        self.chunkBytes = chunkBytes
        self.format = format
    }

    /// The whole sum, of which only those chunks are there that have come.
    var floats: FlatFloats? { assembly?.floats }

    /// Chunks that have come since the last look.
    mutating func takeFresh() -> [UInt32] {
        defer { fresh = [] }
        return fresh
    }

    /// Whether an owner's chunk is wanted.
    func wants(_ header: Header, in round: Round) -> Bool {
        let isOwner = round.shards?.contains {
            $0.owner == header.stamp.worker.number && $0.chunks?.contains(header.chunk) == true
        }
        return isOwner == true && header.round == round.number && Int(header.slots.upperBound) == round.plan.slotCount
            && header.step == round.reduction.map { UInt64($0.number) }
    }

    func has(_ chunk: UInt32) -> Bool { assembly?.has(chunk) ?? false }

    /// Puts a chunk where it belongs.
    mutating func take(_ header: Header, _ bytes: UnsafeRawBufferPointer) throws(WireError) {
        let subject = Assembly.Subject(header)
        if assembly?.subject != subject {
            assembly = Assembly(
                subject, count: parameterCount, chunkBytes: chunkBytes, format: format, isMeasured: true)
            fresh = []
        }
        guard !has(header.chunk) else { return }
        try assembly?.take(header, bytes)
        fresh.append(header.chunk)
    }

    /// Adds up the shard whose owner is gone from these sums, as soon as their parts of it are here.
    mutating func reduce(_ reduction: Reduction, in round: Round) throws(WireError) {
        guard let chunks = round.orphan else { return }
        open(chunks, round)
        orphan?.begin(reduction)
        try advance(round)
    }

    /// Whether a chunk of a worker's sum is of the shard whose owner is gone.
    func wantsSegment(_ header: Header, in round: Round) -> Bool {
        let slots = Int(header.slots.lowerBound)..<Int(header.slots.upperBound)
        return round.orphan?.contains(header.chunk) ?? false && header.round == round.number && round.tree.isNode(slots)
    }

    /// Puts such a chunk where it belongs.
    mutating func takeSegment(_ header: Header, _ bytes: UnsafeRawBufferPointer, in round: Round) throws(WireError) {
        guard let chunks = round.orphan else { return }
        open(chunks, round)
        try orphan?.take(header, bytes)
        try advance(round)
    }

    private mutating func open(_ chunks: Range<UInt32>, _ round: Round) {
        guard orphan?.round != round.number || orphan?.chunks != chunks else { return }
        orphan = OrphanShard(chunks, round: round.number, count: parameterCount, chunkBytes: chunkBytes)
    }

    private mutating func advance(_ round: Round) throws(WireError) {
        guard let (header, chunks) = orphan?.takeResult(slotCount: round.plan.slotCount) else { return }
        for (index, bytes) in chunks {
            var header = header
            header.chunk = index
            try take(header.describing(bytes), bytes)
        }
    }

    /// Once all shards are here: how long each of them is, and Σ x² of each sum in the coordinator's own.
    func lengths(in round: Round) -> (norms: [Double], own: [Double]?)? {
        guard let assembly, assembly.isComplete else { return nil }
        let norms = (round.shards ?? []).map { assembly.squares(of: $0.first..<$0.end).squareRoot() }
        return (norms, orphan?.squares)
    }
}
