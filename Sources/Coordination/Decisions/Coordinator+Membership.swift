import Wire

/// Joining, being heard of, and leaving.
extension Coordinator {
    mutating func heard(
        _ message: WorkerMessage, from peer: Peer, stamp: Stamp, at now: Duration
    ) -> [CoordinatorEffect] {
        if case .join(let application) = message { return join(application, from: peer, at: now) }
        guard let id = membership.member(at: peer, with: stamp) else { return stranger(message, from: peer) }
        membership[id]?.heardAt = now
        let wasSuspect = membership[id]?.isSuspect ?? false
        membership[id]?.isSuspect = false

        let effects: [CoordinatorEffect]
        switch message {
        case .join, .inquire: effects = []
        case .ping(let status): effects = pinged(status, by: id, at: now)
        case .sum(let sum): effects = took(sum, norm: sum.norm ?? .infinity, stamp: stamp, isSharded: true, at: now)
        case .measured(let measurement): effects = measured(measurement, by: id, at: now)
        case .notFinite(let lease, let round, let outcome):
            effects = notFinite(outcome, lease: lease, round: round, from: id, at: now)
        case .handBack(let round, let kept): effects = handedBack(round: round, keeping: kept, by: id, at: now)
        case .painted(let piece): effects = painted(piece, by: id, at: now)
        case .notPainted(let number, let reason): effects = notPainted(number, reason: reason, by: id)
        case .failed(let reason): effects = remove(id, reason: reason, .flapping, at: now)
        case .leave: effects = remove(id, reason: Note.Parting.byItself.rawValue, .blameless, at: now)
        }
        return wasSuspect ? effects + proceed(at: now) : effects
    }

    private mutating func stranger(_ message: WorkerMessage, from peer: Peer) -> [CoordinatorEffect] {
        dropped.stale += 1
        guard case .ping = message else { return [] }
        return [.send(.rejoin(reason: "this coordinator does not know you"), to: peer, stamp: ownStamp)]
    }

    private var ownStamp: Stamp { Stamp(run: settings.run, incarnation: settings.incarnation, worker: .nobody) }

    private mutating func join(
        _ application: Application, from peer: Peer, at now: Duration
    ) -> [CoordinatorEffect] {
        var effects: [CoordinatorEffect] = []
        if let earlier = membership.earlierLife(of: application, at: peer) {
            // Before it has got anywhere, it asks again because its welcome was lost.
            let hasArrived = membership[earlier].map { $0.isReady || $0.hasBulk } ?? false
            effects += remove(
                earlier, reason: Note.Parting.toJoinAnew.rawValue, hasArrived ? .flapping : .blameless, at: now)
        }
        switch membership.admit(application, at: peer, now: now) {
        case .success(let member):
            effects.append(.send(.welcome(settings.welcome), to: peer, stamp: member.stamp))
            effects.append(
                .note(.joined(member.id, name: member.name, exactnessClass: application.exactnessClass)))
        case .failure(let refused):
            effects.append(.send(.refused(refused.refusal), to: peer, stamp: ownStamp))
            effects.append(.note(.refused(name: Membership.visible(application.name), refused.refusal)))
        }
        return effects
    }

    private mutating func pinged(_ status: Status, by id: WorkerID, at now: Duration) -> [CoordinatorEffect] {
        guard var member = membership[id] else { return [] }
        var effects: [CoordinatorEffect] = [.send(.pong(number: status.number), to: member.peer, stamp: member.stamp)]
        if status.progress != member.progress {
            member.progress = status.progress
            member.progressAt = now
            easel.moved(id, at: now)
        }
        if let shape = status.shape, !member.isReady {
            if let refusal = settings.requirements.refusal(of: shape) {
                effects.append(.send(.refused(refusal), to: member.peer, stamp: member.stamp))
                return effects + remove(id, reason: refusal.description, .blameless, at: now)
            }
            member.isReady = true
            member.readyAt = now
            effects.append(.note(.ready(id, name: member.name)))
            gatheringSince = gatheringSince ?? now
        }
        member.slot = status.slot
        member.memory = status.memory
        if status.holding.map({ $0.delivery >= member.mustHold }) ?? false { member.mustHold = 0 }
        member.holding = member.mustHold == 0 ? status.holding : nil
        member.reached = Set((status.reached ?? []).prefix(10_000).map { WorkerID($0) })
        membership[id] = member
        effects += makes(status.painting, id, at: now)
        if status.holding?.checksum == round.plan.weights { round.times.holds(id, at: now) }
        effects += refreshWeights(of: id, at: now)

        // A lease that two pings in a row do not know of was lost on the way.
        if let grant = round.openGrant(of: id), now - grant.since > settings.patience.ping * 1.5,
            !status.leases.contains(grant.number)
        {
            membership[id]?.forgetfulPings += 1
            if member.forgetfulPings + 1 >= 2 {
                membership[id]?.forgetfulPings = 0
                effects.append(.note(.reassigned(slots: round.lose(id).count, of: id)))
            }
        } else {
            membership[id]?.forgetfulPings = 0
        }
        return effects + introduce() + proceed(at: now)
    }

    /// Lets a worker go at once, which may not come back with the key that it has.
    mutating func revoked(_ id: WorkerID, _ refusal: Refusal, at now: Duration) -> [CoordinatorEffect] {
        guard let member = membership[id] else { return [] }
        return [.send(.refused(refusal), to: member.peer, stamp: member.stamp)]
            + remove(id, reason: Note.Parting.withoutKey.rawValue, .blameless, at: now)
    }

    mutating func bulkOpened(_ stamp: Stamp, at now: Duration) -> [CoordinatorEffect] {
        guard let id = membership.member(with: stamp) else {
            dropped.stale += 1
            return []
        }
        membership[id]?.hasBulk = true
        membership[id]?.heardAt = now
        return refreshWeights(of: id, at: now) + introduce() + proceed(at: now)
    }

    /// Sends the weights of this round to a worker that lacks them, and again if they are lost or damaged.
    mutating func refreshWeights(of id: WorkerID, at now: Duration) -> [CoordinatorEffect] {
        // Who is about to leave needs them only for what it has been asked for already.
        guard phase == .computing, var member = membership[id], member.isReady, member.hasBulk,
            !member.isDraining || round.openGrant(of: id) != nil, member.holding?.checksum != round.plan.weights
        else { return [] }
        var effects: [CoordinatorEffect] = []
        if let sent = member.sent, sent.checksum == round.plan.weights {
            let bytes = Double(settings.requirements.shape.parameterCount * 4)
            let patience = Duration.seconds(10 + bytes / settings.patience.slowestLink)
            let isDamaged = member.holding?.delivery == sent.delivery
            guard isDamaged || now - member.sentAt > patience else { return [] }
            if isDamaged {
                effects = [.note(.damagedWeights(id))] + fault(id, "weights arrive damaged there", at: now)
                guard let faulty = membership[id] else { return effects }
                member = faulty
            }
        }
        member.isSentUpdate = holdsBase(member)
        member.holding = nil
        lastDelivery += 1
        member.sent = Status.Holding(delivery: lastDelivery, checksum: round.plan.weights)
        member.sentAt = now
        membership[id] = member
        // A worker takes the newest delivery only.
        if round.foresight?.members.contains(id) ?? false { effects += forgetForesight() }
        return effects + [.sendWeights(to: id, step: round.plan.step, delivery: lastDelivery)]
    }

    /// Whether the change of the weights is enough for a worker.
    func holdsBase(_ member: Membership.Member) -> Bool {
        round.plan.base != nil && member.holding?.checksum == round.plan.base
    }

    /// What a worker's leaving says about it.
    enum Departure {
        case blameless
        case flapping
        case harmful
    }

    /// Forgets a worker; what it was computing is computed elsewhere.
    mutating func remove(
        _ id: WorkerID, reason: String, _ departure: Departure, at now: Duration
    ) -> [CoordinatorEffect] {
        guard let member = membership.remove(id) else { return [] }
        var effects: [CoordinatorEffect] = [.forget(id), .note(.left(id, name: member.name, reason: reason))]
        let keptOut: Duration? =
            switch departure {
            case .blameless: nil
            case .flapping:
                membership.quarantine.left(member.name, after: now - member.joinedAt, reason: reason, at: now)
            case .harmful: membership.quarantine.sentence(member.name, reason: reason, at: now)
            }
        if let keptOut { effects.append(.note(.quarantined(name: member.name, for: keptOut, reason: reason))) }
        effects += lostPainter(id)
        if round.foresight?.owners.contains(id) ?? false { effects += forgetForesight() }
        let lost = phase == .computing ? round.lose(id) : []
        if !lost.isEmpty {
            let isHarmless = departure == .blameless
            effects.append(
                .note(isHarmless ? .passedOn(slots: lost.count, of: id) : .reassigned(slots: lost.count, of: id)))
        }
        effects += mend(id, at: now)
        return effects + introduce() + proceed(at: now)
    }

    mutating func tick(at now: Duration) -> [CoordinatorEffect] {
        var effects: [CoordinatorEffect] = []
        for member in membership.sorted {
            let silence = now - member.heardAt
            let (standstill, mayLast) = standstill(of: member, at: now)
            if silence > settings.patience.dead {
                effects += remove(member.id, reason: "silent for \(Int(silence.inSeconds)) s", .flapping, at: now)
            } else if standstill > mayLast {
                effects.append(
                    .send(.rejoin(reason: "your learner stands still"), to: member.peer, stamp: member.stamp))
                effects += remove(
                    member.id, reason: "its learner has stood still for \(Int(standstill.inSeconds)) s", .flapping,
                    at: now)
            } else if let readyAt = member.readyAt, !member.hasBulk, now - readyAt > settings.patience.opening {
                effects += remove(
                    member.id,
                    reason: "it has not opened its bulk connection: is port \(settings.welcome.bulkPort) open to it?",
                    .flapping, at: now)
            } else if silence > settings.patience.suspect && !member.isSuspect {
                membership[member.id]?.isSuspect = true
                effects.append(.note(.suspect(member.id, silentFor: silence)))
            } else {
                effects += refreshWeights(of: member.id, at: now)
            }
        }
        return effects + dismissDrained(at: now) + watchShards(at: now) + watch(at: now) + retrySave(at: now)
    }

    /// How long a worker has got nowhere with what it is to do, its learner, slots or a picture, and how long it may.
    private func standstill(of member: Membership.Member, at now: Duration) -> (lasts: Duration, mayLast: Duration) {
        if !member.isReady { return (now - member.progressAt, settings.patience.stuckAtFirst) }
        let slots = now - max(member.progressAt, round.openGrant(of: member.id)?.since ?? now)
        guard let picture = rest(of: member.id, at: now) else { return (slots, stuckAfter(member)) }
        // Whatever it is at, it has both to do.
        return (picture.lasts, max(picture.mayLast, slots > .zero ? stuckAfter(member) : .zero))
    }

    private func stuckAfter(_ member: Membership.Member) -> Duration {
        guard let speed = speeds.speed(of: member.id) else { return settings.patience.stuckAtFirst }
        return max(settings.patience.stuck, .seconds(min(1e6, 5 / speed)))
    }
}
