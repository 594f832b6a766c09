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
    /// Where they go since an owner is gone.
    private var mended: (round: UInt32, [Shard])?
    private var fallenBack: UInt32 = 0

    mutating func keep(_ sum: SlotSum, _ floats: FlatFloats, step: Int) {
        kept.append(Kept(sum: sum, floats: floats, step: step))
    }

    mutating func computed(_ lease: UInt64) { leases.append(lease) }

    /// A lease without shards ends those of its round, also where word of that got lost.
    mutating func heed(_ lease: Lease) {
        shards = lease.shards.map { (lease.round, $0) }
        if shards == nil { mended = nil }
    }

    /// An owner is gone.
    ///
    /// - Returns: the sums of this round, parts of which have to go elsewhere; none where that is known already.
    mutating func reshard(_ round: UInt32, _ shards: [Shard]) -> [Kept] {
        guard round > fallenBack, mended?.round != round else { return [] }
        mended = (round, shards)
        return kept.filter { $0.sum.round == round }
    }

    /// Where a sum of this round goes, part by part.
    func shards(of round: UInt32) -> [Shard]? {
        guard round > fallenBack else { return nil }
        if let mended, mended.round == round { return mended.1 }
        return shards?.round == round ? shards?.1 : nil
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
            mended = nil
            fallenBack = 0
        }
    }
}
