import Recipe
import Wire

/// Who computes which slots.
extension Coordinator {
    /// Gives slots that nobody computes to workers that compute nothing.
    mutating func assign(at now: Duration) -> [CoordinatorEffect] {
        guard !round.free.isEmpty, !isPaused, hasEnough(at: now) else { return [] }
        let busy = round.busy
        let able = membership.sorted.filter { $0.mayCompute && !busy.contains($0.id) }
        let free = able.filter(canDeliver)
        guard !free.isEmpty else {
            return able.isEmpty || !busy.isEmpty
                ? [] : fallBack("none of those who are idle reaches all who add up", at: now) + proceed(at: now)
        }
        let idle = free.filter { !isSpared($0.id) }
        guard !idle.isEmpty else { return [] }

        var effects: [CoordinatorEffect] = []
        if round.beganAt == nil {
            effects += settle(for: free.count)
            round.times.began = now
            round.heardAt = now
            effects += spreadWeights(at: now)
        }
        if round.grants.isEmpty {
            let ids = idle.map(\.id)
            let shares = settings.sharesBySpeed ? speeds.shares(of: ids) : ids.map { _ in 1 }
            let delays = settings.sharesBySpeed ? speeds.delays(of: ids) : []
            for (id, slots) in zip(ids, cut(round.plan.slotCount, among: shares, after: delays)) {
                effects += lease(slots, to: id, at: now)
            }
            effects += announceShards()
        } else {
            let leased = shareOut(round.free.sorted(), among: idle.map(\.id), at: now)
            if leased.isEmpty && busy.isEmpty && round.shards != nil {
                return fallBack("those whose turn it is do not reach all who add up", at: now) + proceed(at: now)
            }
            effects += leased
        }
        return effects
    }

    /// The first step waits until enough workers are ready, so that the first to come does not compute all of it.
    private mutating func hasEnough(at now: Duration) -> Bool {
        if hasGathered { return true }
        guard let since = gatheringSince else { return false }
        let ready = membership.members.values.filter(\.mayCompute).count
        // Who wants shards waits until the workers have met.
        let haveMet = way.wish != .sharded || ready < 2 || possibleShards != nil
        hasGathered =
            ready >= settings.minimumWorkers && haveMet || (ready > 0 && now - since > settings.patience.gathering)
        return hasGathered
    }

    /// Slots that came free in the middle of a step, piece by piece to whoever is idle.
    private mutating func shareOut(
        _ needed: [Int], among idle: [WorkerID], at now: Duration
    ) -> [CoordinatorEffect] {
        var effects: [CoordinatorEffect] = []
        let able = membership.members.values.filter(\.mayCompute).map(\.id)
        var idle = idle
        var fresh: [Int] = []
        for slot in needed {
            guard let tried = round.refusers[slot] else {
                fresh.append(slot)
                continue
            }
            // Again elsewhere; at the same worker only if there is no other.
            let others = able.contains { !tried.contains($0) }
            guard let index = idle.firstIndex(where: { !others || !tried.contains($0) }) else { continue }
            effects += lease(slot..<slot + 1, to: idle.remove(at: index), at: now)
        }
        let piece = max(1, (fresh.count + able.count - 1) / max(1, able.count))
        var next = fresh[...]
        for id in idle {
            guard let first = next.first else { break }
            var end = first
            while end - first < piece, next.first == end {
                next.removeFirst()
                end += 1
            }
            effects += lease(first..<end, to: id, at: now)
        }
        return effects
    }

    private mutating func lease(_ slots: Range<Int>, to id: WorkerID, at now: Duration) -> [CoordinatorEffect] {
        guard !slots.isEmpty, let member = membership[id] else { return [] }
        lastLease += 1
        let within = speeds.deadline(for: slots.count, of: id).map { $0 + settings.patience.late }
        round.grant(slots, to: id, number: lastLease, now: now, within: within)
        let lease = Lease(
            number: lastLease, step: round.plan.step, round: round.number, slots: slots,
            slotCount: round.plan.slotCount, lossScale: round.plan.lossScale, weights: round.plan.weights,
            firstSlot: round.plan.firstSlot, shards: round.shards, isPacking: round.isPacking)
        return refreshWeights(of: id, at: now) + [.send(.lease(lease), to: member.peer, stamp: member.stamp)]
    }

    /// Looks for leases that are late, and says what the run is waiting for.
    mutating func watch(at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing else { return [] }
        // Who makes a picture between its slots is late with them, and everybody knows.
        let painter = easel.painter
        var effects: [CoordinatorEffect] = []
        for late in round.late(at: now) where late.worker != painter {
            effects.append(.note(.late(late.worker, slots: late.missing.count)))
        }
        effects += proceed(at: now)
        guard phase == .computing else { return effects }
        if stopping != nil && round.busy.isEmpty && !round.isComplete { return effects + stopNow(at: now) }
        let canCompute = membership.members.values.contains(where: \.mayCompute)
        if canCompute && hasGathered && !isPaused && now - (round.heardAt ?? now) < .seconds(30) {
            saidWaitingAt = nil
        } else if now - (saidWaitingAt ?? .seconds(-60)) >= .seconds(30) {
            saidWaitingAt = now
            effects.append(.note(.waiting(reason: snapshot(at: now).sentence)))
        }
        return effects
    }
}
