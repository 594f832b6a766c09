import Wire
import ZeroMQ

/// A worker's taking in of weights, from the coordinator and from those who pass on their shards, and its passing on of
/// its own shard while the rest is still coming.
struct WeightsIntake {
    private let parameterCount: Int
    private let chunkBytes: Int
    /// The newest delivery; it stays when it is complete, since it may still have to be passed on.
    private var assembly: Assembly?
    private var isHandedOver = false
    /// Of the first chunk of this worker's own shard.
    private var share: Header?
    private var orders: (delivery: UInt32, others: [UInt32])?
    private var passedOn: UInt32?

    init(parameterCount: Int, chunkBytes: Int) {
        self.parameterCount = parameterCount
        self.chunkBytes = chunkBytes
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
            assembly = Assembly(subject, count: parameterCount, chunkBytes: chunkBytes)
            isHandedOver = false
            share = nil
            passedOn = nil
        }
        if isOwnShare, share == nil { share = header }
        try payload.withUnsafeBytes { bytes throws(WireError) in try assembly?.take(header, bytes) }
        guard let assembly, assembly.isComplete, !isHandedOver else { return nil }
        isHandedOver = true
        return assembly
    }

    /// Learns to whom this worker's shard of a delivery goes.
    mutating func passOn(_ delivery: UInt32, to others: [UInt32]) { orders = (delivery, others) }

    /// Passes on what has come.
    mutating func relay(through peers: PeerDesk) {
        guard let assembly, let share, let orders, orders.delivery == share.round else { return }
        let chunks = share.part
        let ready = UInt32(chunks.prefix { assembly.has($0) }.count)
        if passedOn == nil {
            peers.passOn(share, assembly, chunks, ready: ready, to: orders.others)
        } else if passedOn != ready {
            peers.release(ready, delivery: share.round)
        }
        passedOn = ready
    }
}
