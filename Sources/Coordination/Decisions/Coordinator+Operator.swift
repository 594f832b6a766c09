package import Wire

/// What people ask of a run: all of it at the boundary between two steps.
extension Coordinator {
    /// Whether the run holds still: a step that has begun is finished first.
    var isPaused: Bool { pause.reason != nil && isAtBoundary }

    private var isAtBoundary: Bool { phase == .computing && round.beganAt == nil }

    // MARK: - Pausing

    mutating func pause(_ reason: String, at now: Duration) -> [CoordinatorEffect] {
        let isNew = pause.asked == nil
        pause.asked = reason
        pause.isSaid = pause.isSaid && !isNew
        return isNew ? announcePause(at: now) : []
    }

    mutating func resume(at now: Duration) -> [CoordinatorEffect] {
        guard pause.asked != nil else { return [] }
        pause.asked = nil
        return goOn(at: now)
    }

    /// Does what was put off until a step is done.
    mutating func atBoundary(at now: Duration) -> [CoordinatorEffect] {
        var effects = announcePause(at: now)
        if wantsSave { effects += askToSave(at: now) }
        return effects
    }

    private mutating func announcePause(at now: Duration) -> [CoordinatorEffect] {
        guard let reason = pause.reason, !pause.isSaid else { return [] }
        guard isPaused else { return [.note(.pausing(step: round.plan.step, reason: reason))] }
        pause.isSaid = true
        saidWaitingAt = now
        return [.note(.paused(step: round.plan.step, reason: reason))]
    }

    private mutating func goOn(at now: Duration) -> [CoordinatorEffect] {
        pause.isSaid = false
        guard pause.reason == nil else { return announcePause(at: now) }
        return [.note(.resumed(step: round.plan.step))] + proceed(at: now)
    }

    // MARK: - Saving

    mutating func saveAtBoundary(at now: Duration) -> [CoordinatorEffect] {
        wantsSave = true
        return isAtBoundary ? askToSave(at: now) : []
    }

    private mutating func askToSave(at now: Duration) -> [CoordinatorEffect] {
        wantsSave = false
        pause.saveAgainAt = now + settings.patience.saveAgain
        return [.save]
    }

    mutating func saved(at now: Duration) -> [CoordinatorEffect] {
        // Behind the last step no other one has been planned.
        let isComplete = if case .closing(.complete, _) = phase { true } else { false }
        let note = CoordinatorEffect.note(.saved(step: round.plan.step + (isComplete ? 1 : 0)))
        let wasUnsaved = pause.unsaved != nil
        pause.unsaved = nil
        if case .closing(let end, _) = phase { return [note] + finish(end) }
        return [note] + (wasUnsaved ? goOn(at: now) : [])
    }

    mutating func saveFailed(_ reason: String, at now: Duration) -> [CoordinatorEffect] {
        let isNew = pause.unsaved == nil
        pause.unsaved = reason
        pause.saveAgainAt = now + settings.patience.saveAgain
        // What a complete run made is waited for as long as nobody stops it.
        if case .closing(let end, let since) = phase, end != .complete, now - since >= settings.patience.lastSave {
            return finish(.unsaved(reason: reason))
        }
        guard isNew else { return [] }
        pause.isSaid = false
        return [.note(.notSaved(reason: reason))] + announcePause(at: now)
    }

    /// Tries again to save what could not be saved.
    mutating func retrySave(at now: Duration) -> [CoordinatorEffect] {
        guard now >= pause.saveAgainAt else { return [] }
        if case .closing = phase { return askToSave(at: now) }
        return pause.unsaved != nil && isAtBoundary ? askToSave(at: now) : []
    }

    // MARK: - Workers

    /// Those of this name or number; a box's name stands for all of its devices.
    package func workers(called name: String) -> [WorkerID] {
        membership.sorted.filter {
            $0.name == name || $0.name.hasPrefix(name + "/") || name == "\($0.id)" || name == "\($0.id.number)"
        }.map(\.id)
    }

    /// Those of this name, or of this box, who may not come back yet.
    package func quarantined(called name: String, at now: Duration) -> [String] {
        membership.quarantine.active(at: now).keys.filter { $0 == name || $0.hasPrefix(name + "/") }.sorted()
    }

    mutating func admit(_ name: String, at now: Duration) -> [CoordinatorEffect] {
        let pardoned = membership.quarantine.pardon(name, at: now)
        return pardoned.isEmpty
            ? [.note(.nobody(called: name))] : pardoned.map { .note(.admitted(name: $0)) }
    }

    mutating func drain(_ name: String, at now: Duration) -> [CoordinatorEffect] {
        let workers = workers(called: name)
        for id in workers { membership[id]?.isDraining = true }
        return workers.isEmpty ? [.note(.nobody(called: name))] : dismissDrained(at: now)
    }

    /// Sends those home who are asked to leave and have nothing to finish, nor anything that the step needs, unless nobody else is
    /// there to go on with it.
    mutating func dismissDrained(at now: Duration) -> [CoordinatorEffect] {
        let busy = round.busy
        let isHelpless = !round.isComplete && busy.isEmpty && !membership.members.values.contains(where: \.mayCompute)
        let done = membership.sorted.filter {
            $0.isDraining && !busy.contains($0.id) && (isHelpless || !needed($0.id))
        }
        return done.isEmpty ? [] : done.flatMap { dismiss($0, at: now) } + proceed(at: now)
    }

    mutating func dismiss(_ member: Membership.Member, at now: Duration) -> [CoordinatorEffect] {
        let reason = Note.Parting.asAsked.rawValue
        membership.remove(member.id)
        let mended = mend(member.id, at: now)
        return lostPainter(member.id) + [
            .send(.goodbye(finished: false, reason: reason), to: member.peer, stamp: member.stamp),
            .forget(member.id), .note(.left(member.id, name: member.name, reason: reason)),
        ] + mended
    }

    // MARK: - The end

    mutating func stop(_ reason: String, at now: Duration) -> [CoordinatorEffect] {
        if case .awaitingPictures = phase {
            easel.clear()
            return []
        }
        if case .closing(let end, _) = phase { return finish(pause.unsaved.map { .unsaved(reason: $0) } ?? end) }
        let isAskedTwice = stopping != nil
        stopping = stopping ?? reason
        let isComputing = phase == .applying || !round.busy.isEmpty
        return isAskedTwice || !isComputing ? close(.stopped(reason: stopping ?? reason), at: now) : []
    }

    /// Ends a run whose last step cannot be finished, because nobody is left to compute it.
    mutating func stopNow(at now: Duration) -> [CoordinatorEffect] {
        close(.stopped(reason: stopping ?? "it was asked to stop"), at: now)
    }

    /// Writes down the last state, and then ends the run.
    mutating func close(_ end: Finish, at now: Duration) -> [CoordinatorEffect] {
        phase = .closing(end, since: now)
        return askToSave(at: now)
    }

    mutating func finish(_ end: Finish) -> [CoordinatorEffect] {
        phase = .over
        let (isComplete, reason) =
            switch end {
            case .complete: (true, "the run is complete")
            case .stopped(let reason): (false, reason)
            case .unsaved(let reason): (false, "the last state could not be saved: \(reason)")
            case .gaveUp(let advice): (false, advice)
            }
        return membership.sorted.map {
            .send(.goodbye(finished: isComplete, reason: reason), to: $0.peer, stamp: $0.stamp)
        } + [.finished(end)]
    }
}
