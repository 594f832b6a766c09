import Wire

/// The sums that a worker has made in this round; they are kept until the next, in case they have to be sent again.
struct KeptSums {
    struct Kept {
        let sum: SlotSum
        let floats: FlatFloats
        let step: Int
    }

    private(set) var kept: [Kept] = []
    /// Leases whose sums these are.
    private(set) var leases: [UInt64] = []
    /// Where the parts of sums go; nil when all of a sum goes to the coordinator.
    private var shards: (round: UInt32, [Shard])?
    private var fallenBack: UInt32 = 0

    mutating func keep(_ sum: SlotSum, _ floats: FlatFloats, step: Int) {
        kept.append(Kept(sum: sum, floats: floats, step: step))
    }

    mutating func computed(_ lease: UInt64) { leases.append(lease) }

    mutating func heed(_ lease: Lease) {
        if let shards = lease.shards { self.shards = (lease.round, shards) }
    }

    /// Where a sum of this round goes, part by part.
    func shards(of round: UInt32) -> [Shard]? {
        round > fallenBack && shards?.round == round ? shards?.1 : nil
    }

    /// All sums of this round go to the coordinator from now on.
    mutating func fallBack(_ round: UInt32) -> [Kept] {
        fallenBack = max(fallenBack, round)
        return kept.filter { $0.sum.round == round }
    }

    mutating func abandon(before round: UInt32?) {
        kept.removeAll { sum in round.map { sum.sum.round < $0 } ?? true }
        leases = []
        if round == nil {
            shards = nil
            fallenBack = 0
        }
    }
}
