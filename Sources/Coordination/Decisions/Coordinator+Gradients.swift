import Wire

/// What a sum must be like to be added up.
extension Coordinator {
    /// - Parameter isSharded: whether the sum itself goes to the owners of its shards, so that only word of it came.
    mutating func took(
        _ sum: SlotSum, norm: Double, stamp: Stamp, isSharded: Bool = false, at now: Duration
    ) -> [CoordinatorEffect] {
        guard let slots = sum.slots else {
            dropped.malformed += 1
            return []
        }
        let discard = isSharded ? [] : [CoordinatorEffect.discard(slots, from: stamp.worker)]
        guard let id = membership.member(with: stamp), phase == .computing, sum.round == round.number,
            isSharded == (round.shards != nil)
        else {
            dropped.stale += 1
            return discard
        }
        membership[id]?.heardAt = now
        switch round.assess(sum, from: id) {
        case .malformed:
            dropped.malformed += 1
            return discard
        case .duplicate:
            dropped.duplicate += 1
            round.settle(slots)
            return discard + proceed(at: now)
        case .fresh: break
        }
        if isSharded, slots.contains(where: { round.refusers[$0]?.contains(id) ?? false }) {
            // Parts of its first try may be among the parts of this one.
            return fallBack("\(id) has computed a slot again", at: now) + proceed(at: now)
        }
        let refused =
            sum.weights == round.plan.weights
            ? refuse(sum, norm: norm, from: id, at: now) : computedWithOtherWeights(slots, id, at: now)
        if let refused {
            // Its parts are with the owners of shards, who could not tell them from those of a better one.
            let reason = "\(id) has sent parts of a sum that is refused"
            return discard + refused + (isSharded ? fallBack(reason, at: now) + proceed(at: now) : [])
        }

        speeds.measure(id, slots: slots.count, seconds: sum.seconds)
        for grant in round.take(sum, norm: norm, from: id) {
            speeds.finished(grant.slots.count, by: id, in: (now - grant.since).inSeconds)
        }
        round.times.brought(by: id, at: now)
        round.heardAt = now
        return (isSharded ? [] : [.keep(slots, from: id)]) + blameDoubted(slots, acceptedFrom: id, at: now)
            + proceed(at: now)
    }

    /// What was damaged on its way is computed again at once, by somebody else if there is one.
    mutating func damagedSum(
        _ slots: Range<Int>, round number: UInt32, stamp: Stamp, at now: Duration
    ) -> [CoordinatorEffect] {
        // A sum has many chunks, and more than one of them may be damaged.
        guard phase == .computing, number == round.number, let id = membership.member(with: stamp),
            round.isWaiting(for: slots, from: id)
        else { return [] }
        round.refuse(slots, from: id, elsewhere: true)
        return [.note(.damagedSum(id, slots: slots))] + fault(id, "its sums arrive damaged", at: now) + proceed(at: now)
    }

    /// A worker whose weights have changed in its memory gets them again before it gets anything else to do.
    private mutating func computedWithOtherWeights(
        _ slots: Range<Int>, _ id: WorkerID, at now: Duration
    ) -> [CoordinatorEffect] {
        dropped.otherWeights += 1
        round.refuse(slots, from: id)
        membership[id]?.mustHold = lastDelivery + 1
        membership[id]?.holding = nil
        membership[id]?.sent = nil
        return [.note(.otherWeights(id))] + fault(id, "it computes with weights that change in its memory", at: now)
            + refreshWeights(of: id, at: now) + proceed(at: now)
    }

    /// - Returns: nil when the sum may be added up.
    private mutating func refuse(
        _ sum: SlotSum, norm: Double, from id: WorkerID, at now: Duration
    ) -> [CoordinatorEffect]? {
        guard let slots = sum.slots else { return [] }
        let norms = sum.outcomes.map { $0.squaredGradientNorm.squareRoot() }
        // No sum is longer than its parts laid end to end; what they say of themselves is rounded, and so may it be
        // itself (GradientRounding), to 4/3 of its length at most.
        let most = zip(sum.outcomes, norms).reduce(0) { $0 + Double($1.0.samples) * $1.1 } * Double(sum.lossScale)
        if !norm.isFinite {
            dropped.notFinite += 1
            round.refuse(slots, from: id, elsewhere: true)
            return [.note(.sumNotFinite(id, slots: slots))]
                + fault(id, "its sums are not finite, and it does not notice", at: now) + proceed(at: now)
        }
        if norm > 2 * most + 1e-20 {
            dropped.absurd += 1
            round.refuse(slots, from: id, elsewhere: true)
            return [.note(.absurd(id, slots: slots, norm: norm, usual: most))]
                + fault(id, "its sums are not the sums of its slots", at: now) + proceed(at: now)
        }
        let doubtful = zip(slots, norms).filter { norms in
            recentNorms.isAbsurd(norms.1) && !isConfirmed(norms.0, norms.1, by: id)
        }
        guard let (slot, worst) = doubtful.max(by: { $0.1 < $1.1 }) else { return nil }
        dropped.absurd += 1
        round.refuse(slots, from: id)
        var effects: [CoordinatorEffect] = [
            .note(.absurd(id, slots: slot..<slot + 1, norm: worst, usual: recentNorms.median ?? 0))
        ]
        for (slot, norm) in doubtful {
            guard round.doubt(slot, norm: norm, from: id) >= Self.opinions else { continue }
            var outcome = sum.outcomes[slot - slots.lowerBound]
            outcome.notFinite = "the size of its gradient, about which workers differ"
            round.leaveOut(outcome)
            effects.append(.note(.leftOut(outcome)))
        }
        return effects + proceed(at: now)
    }

    /// After so many different opinions about a slot, none is believed.
    private static let opinions = 3

    /// Whether somebody else has found the same; or the same worker, where there is no other.
    private func isConfirmed(_ slot: Int, _ norm: Double, by id: WorkerID) -> Bool {
        guard let doubts = round.doubts[slot] else { return false }
        let hasOthers = membership.members.values.contains { $0.mayCompute && $0.id != id }
        return doubts.contains { GradientNorms.agree($0.norm, norm) && ($0.worker != id || !hasOthers) }
    }

    /// Those who said something else of a slot that has been accepted now were wrong.
    private mutating func blameDoubted(
        _ slots: Range<Int>, acceptedFrom id: WorkerID, at now: Duration
    ) -> [CoordinatorEffect] {
        guard !round.doubts.isEmpty else { return [] }
        var wrong: Set<WorkerID> = []
        for slot in slots {
            guard let doubts = round.doubts[slot], let outcome = round.outcomes[slot]?.outcome else { continue }
            let norm = outcome.squaredGradientNorm.squareRoot()
            for doubt in doubts where doubt.worker != id && !GradientNorms.agree(doubt.norm, norm) {
                wrong.insert(doubt.worker)
            }
        }
        return wrong.sorted().flatMap { fault($0, "its gradients are absurd, and others find other ones", at: now) }
    }

    /// Counts against a worker; the third time within ten minutes it is sent away for a while.
    mutating func fault(_ id: WorkerID, _ reason: String, at now: Duration) -> [CoordinatorEffect] {
        guard var member = membership[id] else { return [] }
        member.faults.removeAll { now - $0 > .seconds(600) }
        member.faults.append(now)
        membership[id] = member
        guard member.faults.count >= 3 else { return [] }
        return [.send(.rejoin(reason: reason), to: member.peer, stamp: member.stamp)]
            + remove(id, reason: "\(reason): check its memory and network", .harmful, at: now)
    }

    mutating func notFinite(
        _ outcome: SlotOutcome, lease: UInt64, round number: UInt32, from id: WorkerID, at now: Duration
    ) -> [CoordinatorEffect] {
        guard phase == .computing, number == round.number else {
            dropped.stale += 1
            return []
        }
        // With a loss scale, numbers that are not finite are what it is looking for: no second opinion is needed.
        let tries = round.plan.lossScale == 1 ? 2 : 1
        guard let again = round.notFinite(outcome, lease: lease, from: id, tries: tries) else {
            dropped.duplicate += 1
            return []
        }
        round.heardAt = now
        let notes: [CoordinatorEffect] = [.note(.notFinite(id, outcome))] + (again ? [] : [.note(.leftOut(outcome))])
        return notes + proceed(at: now)
    }

    /// Gives back what a worker that is about to leave will not bring.
    mutating func handedBack(
        round number: UInt32, keeping kept: [Range<Int>], by id: WorkerID, at now: Duration
    ) -> [CoordinatorEffect] {
        membership[id]?.isDraining = true
        guard phase == .computing, number == round.number else { return dismissDrained(at: now) }
        let back = round.giveBack(from: id, keeping: kept)
        let notes: [CoordinatorEffect] = back.isEmpty ? [] : [.note(.passedOn(slots: back.count, of: id))]
        return notes + dismissDrained(at: now) + proceed(at: now)
    }
}
