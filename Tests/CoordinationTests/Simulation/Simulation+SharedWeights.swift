import Wire

@testable import Coordination

/// Weights that go to owners of shards, and from them to the other workers, also before their step is decided.
extension Simulation {
    /// Sends each shard of the weights to its owner.
    mutating func scatter(_ shards: [Shard], delivery: UInt32) {
        for shard in shards {
            guard let member = coordinator?.membership.members[WorkerID(shard.owner)], let peer = peers[member.name]
            else { continue }
            let (index, connection) = Self.read(peer)
            let values = (shard.first..<shard.end).map { ($0, weights[Int($0)]) }
            let share = Share(delivery: delivery, chunks: Dictionary(uniqueKeysWithValues: values))
            transmit(.share(index, connection: connection, share), with: index, isUp: false)
        }
    }

    /// Sends on what follows from these parts of the step's sum.
    mutating func foresee(_ parts: [UInt32: Float]) {
        guard var foreseen else { return }
        let slots = coordinator?.plan.slotCount ?? 1
        for (chunk, sum) in parts.sorted(by: { $0.key < $1.key }) where foreseen.chunks[chunk] == nil {
            let next = Self.foreseen(weights, sum: Pair(repeating: sum), samples: slots)
            foreseen.chunks[chunk] = next[Int(chunk)]
            guard let shard = foreseen.shards.first(where: { $0.chunks?.contains(chunk) ?? false }),
                let member = coordinator?.membership.members[WorkerID(shard.owner)], let peer = peers[member.name]
            else { continue }
            let (index, connection) = Self.read(peer)
            let share = Share(
                delivery: foreseen.delivery, chunks: [chunk: next[Int(chunk)]], isForeseen: true, base: foreseen.base)
            transmit(.share(index, connection: connection, share), with: index, isUp: false)
        }
        self.foreseen = foreseen
    }

    /// Whether what was foreseen is what the step has led to.
    mutating func judgeForesight() -> Bool {
        defer { foreseen = nil }
        guard let foreseen, foreseen.chunks.count == 2 else { return false }
        let cameTrue = foreseen.chunks[0] == weights.x && foreseen.chunks[1] == weights.y
        happened.insert(cameTrue ? .foreseen : .foreseenInVain)
        return cameTrue
    }

    mutating func take(_ share: Share, at index: Int, isOwn: Bool) {
        var peering = workers[index].peering
        guard share.delivery >= peering.share.delivery else { return }
        let isForeseen = share.isForeseen && share.delivery != peering.share.delivery
        var incoming = isForeseen ? peering.foreseen : peering.share
        guard share.delivery >= incoming.delivery else { return }
        if share.delivery > incoming.delivery { incoming = Incoming(delivery: share.delivery, base: share.base) }
        if isOwn { incoming.own.merge(share.chunks) { _, new in new } }
        incoming.chunks.merge(share.chunks) { _, new in new }
        if isForeseen { peering.foreseen = incoming } else { peering.share = incoming }
        workers[index].peering = peering
        if isOwn { relay(at: index) }
        handOver(at: index)
    }

    mutating func stand(_ delivery: UInt32, at index: Int) {
        workers[index].peering.standing = delivery
        handOver(at: index)
    }

    private mutating func handOver(at index: Int) {
        var peering = workers[index].peering
        if peering.foreseen.delivery == peering.standing, peering.standing > peering.share.delivery {
            peering.share = peering.foreseen
            if let base = peering.share.base, !workers[index].hasFlippedWeights {
                happened.insert(.toldAsChange)
                if Self.checksum(workers[index].weights) != base {
                    violations.append("w\(index) was told a change of weights that it does not hold")
                }
            }
        }
        let incoming = peering.share
        if let x = incoming.chunks[0], let y = incoming.chunks[1], !incoming.isUsed {
            peering.share.isUsed = true
            workers[index].peering = peering
            guard workers[index].machine.accepts(delivery: incoming.delivery) else { return }
            let pair = Pair(x, y)
            use(pair, Status.Holding(delivery: incoming.delivery, checksum: Self.checksum(pair)), at: index)
        } else {
            workers[index].peering = peering
        }
    }

    /// Passes on this worker's shards of weights, as far as they and word of whom they are for are here; what was passed on
    /// before goes again, which harms nobody.
    mutating func relay(at index: Int) {
        let peering = workers[index].peering
        for (incoming, isForeseen) in [(peering.share, false), (peering.foreseen, true)] where !incoming.own.isEmpty {
            let share = Share(
                delivery: incoming.delivery, chunks: incoming.own, isForeseen: isForeseen, base: incoming.base)
            for other in peering.orders[incoming.delivery] ?? [] { send(.share(share), from: index, to: other) }
        }
    }
}
