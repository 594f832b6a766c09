import Recipe
import Wire

/// Steps whose sums are added up among the workers, shard by shard.
///
/// The coordinator still decides which sums a step is made of; the owners of shards add up what it names, chunk by chunk
/// as parts of sums come, and send it the result. Whatever goes wrong ends in the star: workers keep their sums until the next step, and send them again.
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
            let lacking = membership.sorted.filter {
                $0.mayCompute && $0.holding?.checksum != round.plan.weights && $0.sent?.checksum != round.plan.weights
            }
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
                        .send(
                            .passOn(delivery: lastDelivery, to: others, asChange: false), to: member.peer,
                            stamp: member.stamp))
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

    /// Tells the owners what they will have to add up, so that they begin with what is there while others still compute.
    mutating func announceShards() -> [CoordinatorEffect] {
        guard round.shards != nil, round.reduction == nil, let terms = round.expectedTerms else { return [] }
        return tellOwners(round.reduce(terms)) + foresee()
    }

    private func tellOwners(_ reduction: Reduction) -> [CoordinatorEffect] {
        (round.shards ?? []).compactMap { shard in
            if shard.owner == WorkerID.nobody.number { return .reduce(reduction) }
            return membership[WorkerID(shard.owner)].map {
                .send(.reduce(reduction), to: $0.peer, stamp: $0.stamp)
            }
        }
    }

    /// Has the owners add up a step all of whose slots are in: what they were told to expect, or what it is instead.
    mutating func askForShards(at now: Duration) -> [CoordinatorEffect] {
        guard round.shards != nil, round.reducingSince == nil else { return [] }
        // Where every slot is left out there is nothing to add up.
        guard !round.terms.isEmpty else { return fallBack("all of its slots are left out", at: now) + proceed(at: now) }
        let terms = sortedTerms.map { Reduction.Term(worker: $0.term.worker, slots: $0.slots) }
        let isExpected = round.reduction?.terms == terms
        // What is added up anew comes anew.
        let effects = isExpected ? [] : forgetForesight() + tellOwners(round.reduce(terms))
        round.reducingSince = now
        return effects + judgeShards(at: now)
    }

    /// All shards of the step's sum are here, so long each.
    mutating func reduced(round number: UInt32, norms: [Double], own: [Double]?, at now: Duration)
        -> [CoordinatorEffect]
    {
        guard phase == .computing, number == round.number, round.shards != nil, round.reduction != nil else {
            dropped.stale += 1
            return []
        }
        round.evidence.norms = norms
        if let own { round.evidence.add(own, by: WorkerID.nobody.number) }
        return judgeShards(at: now)
    }

    /// The owner of a shard has told what it found in it.
    mutating func measured(_ measurement: Measurement, by id: WorkerID, at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing, measurement.round == round.number, let reduction = round.reduction,
            measurement.reduction == reduction.number, measurement.squares.count == reduction.terms.count,
            round.shards?.contains(where: { $0.owner == id.number }) ?? false
        else {
            dropped.stale += 1
            return []
        }
        round.evidence.add(measurement.squares, by: id.number)
        return judgeShards(at: now)
    }

    /// Ends a sharded step when everything is known of it that there is to know, or does it again where that does not fit.
    private mutating func judgeShards(at now: Duration) -> [CoordinatorEffect] {
        guard let shards = round.shards, round.reducingSince != nil, round.evidence.isComplete(for: shards) else {
            return []
        }
        let contradiction = round.evidence.contradiction(
            sortedTerms, shards, format: settings.welcome.gradientFormat)
        return contradiction.map { fallBack($0, at: now) } ?? finishStep(at: now)
    }

    /// The sums that the step is made of, in the order in which owners are told of them.
    private var sortedTerms: [(slots: Range<Int>, term: Round.Term)] {
        round.terms.sorted { $0.key.lowerBound < $1.key.lowerBound }.map { ($0.key, $0.value) }
    }

    /// Ends the part of the workers in a step's sum: all of it goes to the coordinator, in this very step.
    mutating func fallBack(_ reason: String, at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing, round.shards != nil else { return [] }
        round.shards = nil
        round.forgetReduction()
        way.failed(at: now)
        round.reopen(at: now, within: shardPatience) { membership[$0] != nil }
        var effects = forgetForesight() + [beginEffect, .note(.fellBack(step: round.plan.step, reason: reason))]
        for member in membership.sorted {
            effects.append(.send(.resend(round: round.number), to: member.peer, stamp: member.stamp))
            if member.sent?.delivery == round.scattered { membership[member.id]?.sent = nil }
            effects += refreshWeights(of: member.id, at: now)
        }
        return effects
    }

    /// Whether a worker's sums can get to where this step needs them.
    func canDeliver(_ member: Membership.Member) -> Bool {
        round.shards?.allSatisfy {
            [member.id.number, WorkerID.nobody.number].contains($0.owner) || member.reached.contains(WorkerID($0.owner))
        } ?? true
    }

    /// Goes on without a worker that the step has needed: its slots are computed again, and where it had a shard that alone
    /// goes to the coordinator, which adds it up in its place.
    ///
    /// Once the owners have been asked to add up, or a second one is gone, all of the step does.
    mutating func mend(_ id: WorkerID, at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing, let shards = round.shards, needed(id) else { return [] }
        let nobody = WorkerID.nobody.number
        let isOwner = shards.contains { $0.owner == id.number }
        guard round.reducingSince == nil, shards.contains(where: { $0.owner != id.number && $0.owner != nobody }),
            !isOwner || !shards.contains(where: { $0.owner == nobody }), settings.welcome.gradientFormat == .fp32
        else { return fallBack("\(id) is gone", at: now) }
        let lost = round.loseSums(of: id)
        var effects: [CoordinatorEffect] = lost.isEmpty ? [] : [.note(.reassigned(slots: lost.count, of: id))]
        guard isOwner else { return effects }
        let mended = shards.map { shard in
            var shard = shard
            if shard.owner == id.number { shard.owner = nobody }
            return shard
        }
        round.shards = mended
        round.forgetReduction()
        effects += forgetForesight()
        effects.append(.note(.adopted(step: round.plan.step, shardOf: id)))
        for member in membership.sorted {
            effects.append(
                .send(.reshard(round: round.number, shards: mended), to: member.peer, stamp: member.stamp))
            if member.sent?.delivery == round.scattered { membership[member.id]?.sent = nil }
            effects += refreshWeights(of: member.id, at: now)
        }
        return effects
    }

    /// Whether the step has needed a worker's help, or has its sums in its shards.
    func needed(_ id: WorkerID) -> Bool {
        guard let shards = round.shards else { return false }
        return shards.contains { $0.owner == id.number } || round.terms.values.contains { $0.worker == id }
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
