import Recipe
import Wire

/// A shard that the coordinator adds up in place of an owner that is gone.
struct OrphanShard {
    let round: UInt32
    let chunks: Range<UInt32>
    private let count: Int
    private let chunkBytes: Int
    private let sum: ShardSum
    /// Σ x² of each sum in it, once all of it is added up.
    private(set) var squares: [Double]?
    /// Sums of one worker that are held at a time: no lease is more subtrees than this.
    private static let heldSums = 128

    init(_ chunks: Range<UInt32>, round: UInt32, count: Int, chunkBytes: Int) {
        self.round = round
        self.chunks = chunks
        self.count = count
        self.chunkBytes = chunkBytes
        sum = ShardSum(chunks, round: round, count: count, chunkBytes: chunkBytes)
    }

    /// Puts a chunk of a worker's sum where it belongs.
    func take(_ header: Header, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        _ = try sum.take(header, payload, limit: Self.heldSums)
    }

    /// Learns which sums the step is made of.
    mutating func begin(_ reduction: Reduction) {
        sum.begin(reduction)
        squares = nil
    }

    /// The shard, once, when all of it is added up: as an owner would send it, chunk by chunk.
    mutating func takeResult(
        slotCount: Int
    ) -> (header: Header, chunks: [(index: UInt32, bytes: UnsafeRawBufferPointer)])? {
        guard squares == nil, let (floats, start) = sum.advance(), let measurement = sum.measurement() else {
            return nil
        }
        squares = measurement.squares
        var header = Header(.reduced, .stranger)
        header.step = UInt64(measurement.reduction)
        header.round = round
        header.slots = 0..<UInt32(slotCount)
        header.part = chunks
        header.chunkCount = chunkCount(of: count * 4, in: chunkBytes)
        header.numberFormat = .float32
        let origin = chunkRange(Int(chunks.lowerBound), of: count * 4, in: chunkBytes).lowerBound - start * 4
        let bytes = UnsafeRawBufferPointer(floats.elements)
        return (
            header,
            chunks.map { index in
                let range = chunkRange(Int(index), of: count * 4, in: chunkBytes)
                let part = range.lowerBound - origin..<range.upperBound - origin
                return (index, UnsafeRawBufferPointer(rebasing: bytes[part]))
            }
        )
    }
}
