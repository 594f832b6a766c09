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
    private var newest: IncomingWeights?
    /// The newest of those that were foreseen, until it is the newest of all.
    private var foreseen: IncomingWeights?
    /// The last foreseen delivery of which word has come that it stands.
    private var standing: UInt32?
    /// To whom this worker's shard of a delivery goes, and whether as a change.
    private var orders: [UInt32: (others: [UInt32], asChange: Bool)] = [:]

    /// - Parameter updateFormat: how the change of weights is written, where not all of them are sent; fp32 is never.
    init(parameterCount: Int, chunkBytes: Int, updateFormat: GradientFormat) {
        self.updateFormat = updateFormat
        self.parameterCount = parameterCount
        self.chunkBytes = chunkBytes
    }

    /// The newest delivery's own shard as it is written, where it is an update.
    var written: EncodedFloats? { newest?.written }

    /// Puts a chunk where it belongs.
    ///
    /// - Parameter isOwnShare: whether it came from the coordinator to be passed on.
    /// - Returns: the weights, once, when all of them are here and are to be used.
    mutating func take(_ header: Header, _ payload: Frame, isOwnShare: Bool) throws -> Assembly? {
        // What is left of an earlier delivery is of no use.
        if let newest = newest?.delivery, header.round < newest { return nil }
        if header.kind == .foreseen, newest?.delivery != header.round {
            if let foreseen = foreseen?.delivery, header.round < foreseen { return nil }
            if foreseen?.delivery != header.round {
                foreseen = begin(header)
                follow()
            }
            try foreseen?.take(header, payload, isOwnShare: isOwnShare)
            return handOverForeseen()
        }
        if newest?.subject != Assembly.Subject(header) {
            // Who has nothing can change nothing; the coordinator sends all of it when it sees that nothing came.
            guard let next = begin(header) else { return nil }
            newest = next
            forget(before: header.round)
        }
        try newest?.take(header, payload, isOwnShare: isOwnShare)
        return handOver()
    }

    /// Learns that a delivery that was foreseen is what the step has led to.
    ///
    /// - Returns: its weights, once, when all of them are here.
    mutating func stand(_ delivery: UInt32) -> Assembly? {
        standing = delivery
        return handOverForeseen()
    }

    /// Learns to whom this worker's shard of a delivery goes.
    mutating func passOn(_ delivery: UInt32, to others: [UInt32], asChange: Bool) {
        orders[delivery] = (others, asChange)
    }

    /// Passes on what has come.
    mutating func relay(through peers: PeerDesk) {
        let decided = newest?.delivery
        if let decided, let order = orders[decided] {
            newest?.relay(to: order.others, asChange: order.asChange, behind: decided, through: peers)
        }
        if let delivery = foreseen?.delivery, let order = orders[delivery] {
            foreseen?.relay(to: order.others, asChange: order.asChange, behind: decided, through: peers)
        }
    }

    private func begin(_ header: Header) -> IncomingWeights? {
        let isUpdate = updateFormat != .fp32 && header.numberFormat == updateFormat.numberFormat
        guard !isUpdate || held != nil else { return nil }
        return IncomingWeights(
            header, count: parameterCount, chunkBytes: chunkBytes, format: isUpdate ? updateFormat : .fp32,
            base: isUpdate ? held : nil)
    }

    /// Lets what is foreseen be a change of the weights in use, where these are of the step before.
    private mutating func follow() {
        guard let newest, let floats = newest.handedOver, let foreseen, newest.step &+ 1 == foreseen.step else {
            return
        }
        self.foreseen?.follow(floats)
    }

    private mutating func forget(before delivery: UInt32) {
        if let old = foreseen?.delivery, old <= delivery { foreseen = nil }
        orders = orders.filter { $0.key >= delivery }
    }

    private mutating func handOverForeseen() -> Assembly? {
        guard let standing, let foreseen, foreseen.delivery == standing else { return nil }
        newest = foreseen
        self.foreseen = nil
        forget(before: standing)
        return handOver()
    }

    private mutating func handOver() -> Assembly? {
        guard let whole = newest?.takeWhole() else { return nil }
        follow()
        if updateFormat != .fp32 { held = whole.floats }
        return whole
    }
}
