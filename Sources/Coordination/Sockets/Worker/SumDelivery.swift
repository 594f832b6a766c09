import Recipe
import Wire
import ZeroMQ

/// A worker's finished sums on their way to whoever adds them up: the coordinator, or the owners of their shards.
struct SumDelivery {
    private let stamp: Stamp
    private let chunkBytes: Int
    private var outflow: Outflow
    private var sums = KeptSums()
    private var rounding: GradientRounding
    private var underWay: SumsUnderWay
    /// The reduction whose shard of the sum is on its way to the coordinator.
    private var isReducing: (round: UInt32, number: UInt32)?
    /// The last reduction of which the coordinator has been told what was found in this worker's shard.
    private var hasMeasured: (round: UInt32, number: UInt32) = (0, 0)
    /// Leases that are computed, but not all of whose sums have arrived.
    private(set) var computed: [UInt64] = []

    init(chunkBytes: Int, creditChunks: Int, format: GradientFormat, parameterCount: Int, stamp: Stamp) {
        self.stamp = stamp
        self.chunkBytes = chunkBytes
        outflow = Outflow(chunkBytes: chunkBytes, creditChunks: creditChunks)
        rounding = GradientRounding(format, count: parameterCount)
        underWay = SumsUnderWay(chunkBytes: chunkBytes)
    }

    /// Learns where the sums of a lease go, and how.
    mutating func heed(_ lease: Lease) {
        sums.heed(lease)
        outflow.isPacking = lease.isPacking
    }

    /// Sends a finished sum off.
    ///
    /// - Returns: the word of it that the coordinator is to have where the sum itself goes to the owners of shards.
    mutating func send(_ sum: SlotSum, _ floats: FlatFloats, step: Int, through peers: PeerDesk) -> SlotSum? {
        guard let slots = sum.slots else { return nil }
        rounding.begin(step: step, round: sum.round, lossScale: sum.lossScale)
        // What is under way already goes on, to the same end.
        let (floats, done) = underWay.grow(
            floats, over: slots, round: sum.round, by: 0..<floats.count, rounding: &rounding)
        _ = underWay.end(slots, round: sum.round)
        sums.keep(sum, floats, step: step)
        guard let shards = sums.shards(of: sum.round) else {
            sendWhole(sum, floats, step: step)
            return nil
        }
        peers.send(floats, over: slots, round: sum.round, step: step, done: done, to: shards)
        sendOrphans(sum, floats, step: step, of: shards)
        guard rounding.format != .fp32 else { return sum }
        var word = sum
        word.norm = floats.norm
        return word
    }

    /// Sends off those chunks of a sum that a range of it, which is as it will stay, completes.
    mutating func grow(
        _ sum: FlatFloats, over slots: Range<Int>, of lease: Lease, by range: Range<Int>, through peers: PeerDesk
    ) {
        guard let shards = sums.shards(of: lease.round) else { return }
        rounding.begin(step: lease.step, round: lease.round, lossScale: lease.lossScale)
        let (floats, done) = underWay.grow(sum, over: slots, round: lease.round, by: range, rounding: &rounding)
        peers.send(floats, over: slots, round: lease.round, step: lease.step, done: done, to: shards)
    }

    /// A slot was not finite: what is under way with it ends in the middle.
    mutating func giveUp(_ slot: Int, round: UInt32, through peers: PeerDesk) {
        for slots in underWay.sums(with: slot, round: round) {
            peers.giveUp(slots, round: round)
            if underWay.end(slots, round: round) { rounding.forget() }
        }
    }

    /// All sums of this lease have been sent off.
    mutating func finished(_ lease: UInt64) {
        computed.append(lease)
        sums.computed(lease)
    }

    /// Sends a whole sum to the coordinator.
    private mutating func sendWhole(_ sum: SlotSum, _ floats: FlatFloats, step: Int) {
        guard let slots = sum.slots else { return }
        var header = Header(.gradient, stamp)
        header.step = UInt64(step)
        header.round = sum.round
        header.slots = UInt32(slots.lowerBound)..<UInt32(slots.upperBound)
        outflow.put(
            Outflow.Parcel(header: header, floats: floats, ending: WorkerMessage.sum(sum), format: rounding.format))
    }

    /// Sends the coordinator the parts of a sum that are nobody's.
    private mutating func sendOrphans(_ sum: SlotSum, _ floats: FlatFloats, step: Int, of shards: [Shard]) {
        guard let slots = sum.slots else { return }
        for shard in shards where shard.owner == WorkerID.nobody.number {
            guard let chunks = shard.chunks else { continue }
            var header = Header(.segment, stamp)
            header.step = UInt64(step)
            header.round = sum.round
            header.slots = UInt32(slots.lowerBound)..<UInt32(slots.upperBound)
            header.part = chunks
            outflow.put(
                Outflow.Parcel(
                    header: header, floats: floats, ending: nil,
                    part: Outflow.Parcel.Part(chunks: chunks, count: floats.count, start: 0), format: rounding.format))
        }
    }

    /// An owner is gone: its parts of sums that were made already go to the coordinator too.
    mutating func reshard(_ round: UInt32, _ shards: [Shard]) {
        for kept in sums.reshard(round, shards) { sendOrphans(kept.sum, kept.floats, step: kept.step, of: shards) }
    }

    /// The workers' part in this round is over: all sums go to the coordinator.
    mutating func resend(_ round: UInt32, withdrawingFrom peers: PeerDesk) {
        peers.abandon(before: round + 1)
        peers.forgetRounding()
        outflow.drop { $0.kind == .reduced || $0.kind == .segment }
        isReducing = nil
        for kept in sums.fallBack(round) { sendWhole(kept.sum, kept.floats, step: kept.step) }
        computed = sums.leases
    }

    /// Sends the coordinator as much of this worker's shard of the step's sum as is there.
    ///
    /// - Returns: what the coordinator is to be told of the sums in the shard, once all of it is there.
    mutating func reduce(at peers: PeerDesk) -> Measurement? {
        guard let (floats, part, reduction) = peers.advance() else { return nil }
        let these = (reduction.round, reduction.number)
        if let isReducing, isReducing == these {
            outflow.release(part.ready ?? []) { $0.kind == .reduced }
        } else {
            put(floats, part, reduction)
        }
        guard hasMeasured < these, let measurement = peers.measurement() else { return nil }
        hasMeasured = these
        return measurement
    }

    private mutating func put(_ floats: FlatFloats, _ part: Outflow.Parcel.Part, _ reduction: Reduction) {
        isReducing = (reduction.round, reduction.number)
        outflow.drop { $0.kind == .reduced }
        var header = Header(.reduced, stamp)
        header.step = UInt64(reduction.number)
        header.round = reduction.round
        header.slots = 0..<UInt32(reduction.slotCount)
        header.part = part.chunks
        outflow.put(
            Outflow.Parcel(header: header, floats: floats, ending: nil, part: part, format: rounding.format))
    }

    /// Lets go of what belongs to rounds before this one, or of all when nil.
    mutating func abandon(before round: UInt32?) {
        computed = []
        sums.abandon(before: round)
        underWay.abandon(before: round)
        outflow.drop { header in round.map { header.round < $0 } ?? true }
    }

    mutating func receiveCredit(_ chunks: UInt32) { outflow.receiveCredit(chunks) }

    /// Sends what credit allows.
    mutating func pump(to socket: borrowing Socket) throws {
        do {
            try outflow.pump { frames throws(ZeroMQError) in try socket.send(frames) }
        } catch ZeroMQError.peerUnreachable {
            return
        }
    }

    /// Leases all of whose sums have arrived since the last look.
    mutating func takeDelivered(_ peers: PeerDesk) -> [UInt64] {
        guard outflow.hasDeliveredSums, peers.hasDeliveredSums else { return [] }
        defer { computed = [] }
        return computed
    }
}
