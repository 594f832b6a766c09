import Recipe
import Wire
import ZeroMQ

/// A worker's taking in of weights, from the coordinator and from those who pass on their shards, and its passing on of
/// its own shard while the rest is still coming.
struct WeightsIntake {
    private let parameterCount: Int
    private let chunkBytes: Int
    private let updateFormat: GradientFormat
    /// The weights that were handed over last: what an update is added to.
    private var held: FlatFloats?
    /// The newest delivery; it stays when it is complete, since it may still have to be passed on.
    private var assembly: Assembly?
    private var isHandedOver = false
    /// Of the first chunk of this worker's own shard.
    private var share: Header?
    private var orders: (delivery: UInt32, others: [UInt32])?
    private var passedOn: Int?
    /// Of the chunks of this worker's own shard that are here.
    private var checksums: ChunkChecksums
    /// Those chunks as they are written, where they are an update.
    private(set) var written: EncodedFloats?

    /// - Parameter updateFormat: how the change of weights is written, where not all of them are sent; fp32 is never.
    init(parameterCount: Int, chunkBytes: Int, updateFormat: GradientFormat) {
        self.updateFormat = updateFormat
        self.parameterCount = parameterCount
        self.chunkBytes = chunkBytes
        checksums = ChunkChecksums(count: chunkCount(of: parameterCount * MemoryLayout<Float>.size, in: chunkBytes))
    }

    /// Puts a chunk where it belongs.
    ///
    /// - Parameter isOwnShare: whether it came from the coordinator to be passed on.
    /// - Returns: the weights, once, when all of them are here.
    mutating func take(_ header: Header, _ payload: Frame, isOwnShare: Bool) throws -> Assembly? {
        let subject = Assembly.Subject(header)
        if assembly?.subject != subject {
            // What is left of an earlier delivery is of no use.
            if let newest = assembly?.subject.round, header.round < newest { return nil }
            let isUpdate = updateFormat != .fp32 && header.numberFormat == updateFormat.numberFormat
            // Who has nothing can change nothing; the coordinator sends all of it when it sees that nothing came.
            guard !isUpdate || held != nil else { return nil }
            assembly = Assembly(
                subject, count: parameterCount, chunkBytes: chunkBytes, format: isUpdate ? updateFormat : .fp32,
                base: isUpdate ? held : nil)
            // What others pass on may be here before the first chunk of this worker's own shard.
            written = isUpdate ? EncodedFloats(updateFormat, count: parameterCount, chunkBytes: chunkBytes) : nil
            isHandedOver = false
            share = nil
            passedOn = nil
        }
        if isOwnShare, share == nil { share = header }
        try payload.withUnsafeBytes { bytes throws(WireError) in try assembly?.take(header, bytes) }
        if isOwnShare {
            checksums[header.chunk] = header.payloadChecksum
            payload.withUnsafeBytes { written?.put($0, at: header.chunk) }
        }
        guard let assembly, assembly.isComplete, !isHandedOver else { return nil }
        isHandedOver = true
        if updateFormat != .fp32 { held = assembly.floats }
        return assembly
    }

    /// Learns to whom this worker's shard of a delivery goes.
    mutating func passOn(_ delivery: UInt32, to others: [UInt32]) { orders = (delivery, others) }

    /// Passes on what has come.
    mutating func relay(through peers: PeerDesk) {
        guard let assembly, let share, let orders, orders.delivery == share.round else { return }
        let chunks = share.part
        let ready = chunks.prefix { assembly.has($0) }
        if passedOn == nil {
            peers.passOn(share, assembly, written, checksums, chunks, ready: Array(ready), to: orders.others)
        } else if passedOn != ready.count {
            peers.release(Array(ready), checksums, delivery: share.round)
        }
        passedOn = ready.count
    }
}
