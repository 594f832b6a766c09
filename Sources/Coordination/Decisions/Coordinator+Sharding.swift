import Recipe
import Wire

/// Steps whose sums are added up among the workers, shard by shard.
///
/// The coordinator still decides which sums a step is made of; the owners of shards add up what it names, and send it
/// the result. Whatever goes wrong ends in the star: workers keep their sums until the next step, and send them again.
extension Coordinator {
    private var chunkCount: UInt32 {
        Coordination.chunkCount(
            of: settings.requirements.shape.parameterCount * MemoryLayout<Float>.size, in: settings.welcome.chunkBytes)
    }

    var possibleShards: [Shard]? {
        shards(
            of: chunkCount,
            among: membership.sorted.filter(\.mayCompute).map {
                ($0.id, $0.application.dataAddress != nil, $0.reached)
            })
    }

    /// Sends a new step's weights to everybody who lacks them, also to those who will compute nothing this time.
    mutating func spreadWeights(at now: Duration) -> [CoordinatorEffect] {
        var effects: [CoordinatorEffect] = []
        if way.shards(at: now), let shards = possibleShards {
            round.shards = shards
            let lacking = membership.sorted.filter { $0.mayCompute && $0.holding?.checksum != round.plan.weights }
            if Set(shards.map(\.owner)).isSubset(of: lacking.map(\.id.number)) {
                lastDelivery += 1
                round.scattered = lastDelivery
                round.isScatteredAsUpdate = lacking.allSatisfy(holdsBase)
                for member in lacking {
                    membership[member.id]?.holding = nil
                    membership[member.id]?.sent = Status.Holding(delivery: lastDelivery, checksum: round.plan.weights)
                    membership[member.id]?.sentAt = now
                    guard shards.contains(where: { $0.owner == member.id.number }) else { continue }
                    let others = lacking.map(\.id.number).filter { $0 != member.id.number }
                    effects.append(
                        .send(.passOn(delivery: lastDelivery, to: others), to: member.peer, stamp: member.stamp))
                }
                effects.append(.scatterWeights(shards, step: round.plan.step, delivery: lastDelivery))
            }
        }
        for member in membership.sorted { effects += refreshWeights(of: member.id, at: now) }
        return effects
    }

    /// How long weights or sums may be on their way among workers.
    var shardPatience: Duration {
        let count = settings.requirements.shape.parameterCount
        let formats = [settings.welcome.gradientFormat, round.plan.base == nil ? .fp32 : settings.welcome.updateFormat]
        return way.patience(
            bytes: Double(formats.map { $0.byteCount(of: count) }.max() ?? 0),
            slowestLink: settings.patience.slowestLink)
    }

    /// Asks the owners to add up a step all of whose slots are in.
    mutating func askForShards(at now: Duration) -> [CoordinatorEffect] {
        guard let shards = round.shards, round.reducingSince == nil else { return [] }
        // Where every slot is left out there is nothing to add up.
        guard !round.terms.isEmpty else { return fallBack("all of its slots are left out", at: now) + proceed(at: now) }
        round.reducingSince = now
        let terms = round.terms.sorted { $0.key.lowerBound < $1.key.lowerBound }.map {
            Reduction.Term(worker: $0.value, slots: $0.key)
        }
        let reduction = Reduction(
            round: round.number, step: round.plan.step, slotCount: round.plan.slotCount,
            lossScale: round.plan.lossScale, terms: terms)
        return shards.compactMap { shard in
            membership[WorkerID(shard.owner)].map {
                .send(.reduce(reduction), to: $0.peer, stamp: $0.stamp)
            }
        }
    }

    /// All shards of the step's sum are here.
    ///
    /// - Parameter norm: of the sum, which cannot be longer than its slots' gradients laid end to end.
    mutating func reduced(round number: UInt32, norm: Double, at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing, number == round.number, round.shards != nil, round.reducingSince != nil else {
            dropped.stale += 1
            return []
        }
        let most = round.outcomes.values.reduce(0) {
            $0 + Double($1.outcome.samples) * $1.outcome.squaredGradientNorm.squareRoot()
        }
        // Rounded by its makers and by the owners of its shards it may be 16/9 as long (GradientRounding).
        guard norm <= 2 * most * Double(round.plan.lossScale) + 1e-20 else {
            return fallBack("the sum that came back is not the sum of its slots", at: now)
        }
        return finishStep(at: now)
    }

    /// Ends the part of the workers in a step's sum: all of it goes to the coordinator, in this very step.
    mutating func fallBack(_ reason: String, at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing, round.shards != nil else { return [] }
        round.shards = nil
        round.reducingSince = nil
        way.failed(at: now)
        round.reopen(at: now, within: shardPatience) { membership[$0] != nil }
        var effects = [beginEffect, .note(.fellBack(step: round.plan.step, reason: reason))]
        for member in membership.sorted {
            effects.append(.send(.resend(round: round.number), to: member.peer, stamp: member.stamp))
            if member.sent?.delivery == round.scattered { membership[member.id]?.sent = nil }
            effects += refreshWeights(of: member.id, at: now)
        }
        return effects
    }

    /// Whether a worker's sums can get to where this step needs them.
    func canDeliver(_ member: Membership.Member) -> Bool {
        round.shards?.allSatisfy { $0.owner == member.id.number || member.reached.contains(WorkerID($0.owner)) } ?? true
    }

    /// Whether the step has needed a worker's help, or has its sums in its shards.
    func needed(_ id: WorkerID) -> Bool {
        guard let shards = round.shards else { return false }
        return shards.contains { $0.owner == id.number } || round.terms.values.contains(id)
    }

    /// Looks for sums that do not arrive.
    mutating func watchShards(at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing, round.shards != nil else { return [] }
        if let since = round.reducingSince, now - since > shardPatience {
            return fallBack("its sums have been on their way among workers for too long", at: now)
        }
        let isStuck = membership.members.values.contains {
            round.scattered != nil && $0.sent?.delivery == round.scattered
                && $0.holding?.checksum != round.plan.weights && now - $0.sentAt > shardPatience
        }
        return isStuck ? fallBack("its weights have been on their way among workers for too long", at: now) : []
    }

    /// Tells everybody who is there to be met, whenever that has changed.
    mutating func introduce() -> [CoordinatorEffect] {
        guard way.wish != .star else { return [] }
        let ready = membership.sorted.filter { $0.isReady && $0.hasBulk }
        let peers = ready.map {
            PeerAddress(
                worker: $0.id, incarnation: $0.stamp.incarnation, address: $0.application.dataAddress,
                key: $0.application.dataKey)
        }
        guard peers != introduced else { return [] }
        introduced = peers
        guard peers.contains(where: { $0.address != nil }) else { return [] }
        return ready.map { .send(.peers(peers), to: $0.peer, stamp: $0.stamp) }
    }
}
