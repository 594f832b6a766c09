import Wire

/// What a worker has been asked for in this round and has not brought yet.
struct LeasesInHand: Sendable {
    /// The newest round that anything was asked for in.
    private(set) var round: UInt32 = 0
    /// In the order in which they were asked for.
    private(set) var open: [Lease] = []
    /// Those of ``open`` that wait for their weights.
    private var waiting: [Lease] = []
    /// Of all leases of the round, those that were brought included.
    private var all: [Lease] = []

    var isEmpty: Bool { open.isEmpty }
    var numbers: [UInt64] { open.map(\.number) }

    /// What a lease is to those that are in hand.
    enum Arrival {
        case stale
        case another
        /// It begins a round: whatever was in hand before is wanted no more.
        case newRound
    }

    mutating func take(_ lease: Lease) -> Arrival {
        guard lease.slots != nil, lease.round >= round, !all.contains(where: { $0.number == lease.number }) else {
            return .stale
        }
        let isNew = lease.round > round
        if isNew { self = LeasesInHand(round: lease.round) }
        open.append(lease)
        waiting.append(lease)
        all.append(lease)
        return isNew ? .newRound : .another
    }

    init(round: UInt32 = 0) { self.round = round }

    /// Those that waited for these weights, once.
    mutating func takeReady(_ weights: UInt64?) -> [Lease] {
        defer { waiting.removeAll { $0.weights == weights } }
        return waiting.filter { $0.weights == weights }
    }

    /// All of a lease has arrived.
    mutating func delivered(_ number: UInt64) { open.removeAll { $0.number == number } }

    /// The coordinator wants all of the round's sums again.
    mutating func reopen() { open = all }

    /// Forgets everything but which round it is.
    mutating func drop() { self = LeasesInHand(round: round) }

    /// Slots that still come where a worker leaves after the one in hand; the others are given up.
    ///
    /// - Parameters:
    ///   - computed: leases that are computed and on their way.
    ///   - current: the slot being computed.
    mutating func leave(computed: [UInt64], current: Int?) -> [Range<Int>] {
        waiting = []
        var kept: [Range<Int>] = []
        for lease in open {
            if computed.contains(lease.number) {
                kept.append(lease.first..<lease.end)
            } else if let current, lease.first <= current, current < lease.end {
                kept.append(lease.first..<current + 1)
                break
            }
        }
        return kept
    }
}
