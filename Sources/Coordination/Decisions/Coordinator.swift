package import Recipe
package import Wire

/// The cluster's decisions: told what happened and when, it answers what to do.
///
/// No socket, clock, disk or gradient is in here, so that a whole cluster runs in a test, in virtual time.
package struct Coordinator: Sendable {
    /// What does not change during a run.
    package struct Settings: Sendable {
        package var run: RunID
        /// Greater than that of any earlier start of this run's coordinator.
        package var incarnation: UInt64
        package var requirements: Requirements
        package var welcome: Welcome
        package var patience = Patience()
        /// The first step waits for this many workers, for a while.
        package var minimumWorkers = 1
        /// Whether a step is shared out by measured speed; otherwise evenly.
        package var sharesBySpeed = true
        package var topology = Topology.auto
        package var packing = Packing.auto

        package init(run: RunID, incarnation: UInt64, requirements: Requirements, welcome: Welcome) {
            self.run = run
            self.incarnation = incarnation
            self.requirements = requirements
            self.welcome = welcome
        }
    }

    enum Phase: Equatable {
        case computing
        case applying
        /// All steps are done and saved, but pictures of the last one are not.
        case awaitingPictures(since: Duration)
        /// The run has ended but for the last save.
        case closing(Finish, since: Duration)
        case over
    }

    let settings: Settings
    package internal(set) var dropped = Dropped()
    package internal(set) var membership: Membership
    var speeds = Speeds()
    var recentNorms = GradientNorms()
    var phase = Phase.computing
    var round: Round
    var lastLease: UInt64 = 0
    var lastDelivery: UInt32 = 0
    var way: TopologyChoice
    var packing: PackingChoice
    /// Whom the workers have been told of.
    var introduced: [PeerAddress] = []
    var trust = ForesightTrust()
    var easel = Easel()
    var stopping: String?
    var pause = Pause()
    /// Somebody wants the state written down at the next boundary.
    var wantsSave = false
    /// When the first worker was ready; until enough are, or for long enough, no step begins.
    var gatheringSince: Duration?
    var hasGathered = false
    var saidWaitingAt: Duration?
    /// Workers that the last step was sized for.
    var lastWorkers = 0

    /// - Parameter plan: the first step to do.
    package init(_ settings: Settings, plan: StepPlan) {
        self.settings = settings
        way = TopologyChoice(settings.topology)
        packing = PackingChoice(settings.packing)
        membership = Membership(
            run: settings.run, incarnation: settings.incarnation, requirements: settings.requirements,
            patience: settings.patience)
        round = Round(plan, number: 1, isPacking: packing.isPacking)
    }

    /// What to do before anything happens.
    package func start() -> [CoordinatorEffect] { [beginEffect] }

    /// - Parameter now: time since the start, which never goes back.
    package mutating func handle(_ event: CoordinatorEvent, at now: Duration) -> [CoordinatorEffect] {
        if phase == .over { return [] }
        return react(to: event, at: now) + seeToPictures(at: now)
    }

    private mutating func react(to event: CoordinatorEvent, at now: Duration) -> [CoordinatorEffect] {
        switch event {
        case .heard(let message, let peer, let stamp): heard(message, from: peer, stamp: stamp, at: now)
        case .bulkOpened(let stamp): bulkOpened(stamp, at: now)
        case .sum(let sum, let norm, let stamp): took(sum, norm: norm, stamp: stamp, at: now)
        case .damagedSum(let slots, let round, let stamp): damagedSum(slots, round: round, stamp: stamp, at: now)
        case .reduced(let round, let norms, let own): reduced(round: round, norms: norms, own: own, at: now)
        case .unreachable(let id): remove(id, reason: "its connection is gone", .flapping, at: now)
        case .revoked(let id, let refusal): revoked(id, refusal, at: now)
        case .applied(let verdict, let next, let asForeseen):
            applied(verdict, next: next, asForeseen: asForeseen, at: now)
        case .picturesDue(let order): due(order)
        case .pause(let reason): pause(reason, at: now)
        case .resume: resume(at: now)
        case .save: saveAtBoundary(at: now)
        case .saved: saved(at: now)
        case .saveFailed(let reason): saveFailed(reason, at: now)
        case .admit(let name): admit(name, at: now)
        case .drain(let name): drain(name, at: now)
        case .stop(let reason): stop(reason, at: now)
        case .tick: tick(at: now)
        }
    }

    /// The step being done.
    package var plan: StepPlan { round.plan }

    var beginEffect: CoordinatorEffect {
        .begin(round: round.number, step: round.plan.step, slotCount: round.plan.slotCount)
    }

    // MARK: - Steps

    /// Gives the step to the optimizer when it is complete; otherwise sees to it that somebody computes what is missing.
    mutating func proceed(at now: Duration) -> [CoordinatorEffect] {
        guard phase == .computing else { return [] }
        guard round.isComplete else { return assign(at: now) }
        return round.shards == nil ? finishStep(at: now) : askForShards(at: now)
    }

    mutating func finishStep(at now: Duration) -> [CoordinatorEffect] {
        phase = .applying
        var contribution = contribution(at: now)
        contribution.isSharded = round.shards != nil
        let moving = contribution.seconds - (contribution.shares.map(\.times.compute).max() ?? 0)
        let workers = contribution.shares.count
        // Among workers all wait for the slowest cable, whosever it is.
        for share in contribution.shares where !contribution.isSharded {
            speeds.measure(
                share.worker, moving: share.times.broadcast + share.times.send, of: contribution.seconds)
        }
        let sentences = [
            packing.measured(
                moving: moving, of: contribution.seconds, packed: round.isPacking, sharded: contribution.isSharded,
                workers: workers),
            way.measured(
                moving: moving, of: contribution.seconds, sharded: contribution.isSharded, workers: workers,
                canShard: possibleShards != nil),
        ]
        return sentences.compactMap { $0.map { .note(.way($0)) } } + [.finishStep(contribution)]
    }

    private func contribution(at now: Duration) -> StepContribution {
        let outcomes = round.outcomes.sorted { $0.key < $1.key }.map(\.value)
        let shares = Dictionary(grouping: outcomes, by: \.worker).sorted { $0.key < $1.key }.map { id, theirs in
            StepContribution.Share(
                worker: id, name: membership[id]?.name ?? "\(id)", slots: theirs.count,
                samples: theirs.reduce(0) { $0 + $1.outcome.samples },
                times: round.times.parts(
                    of: id, computing: round.seconds[id] ?? 0, movingSince: round.reducingSince, at: now))
        }
        return StepContribution(
            workers: round.workers, step: round.plan.step, round: round.number, outcomes: outcomes.map(\.outcome),
            contributors: outcomes.map(\.worker), leftOut: round.leftOut.sorted { $0.key < $1.key }.map(\.value),
            seconds: (now - (round.beganAt ?? now)).inSeconds, shares: shares)
    }

    private mutating func applied(
        _ verdict: StepVerdict, next: StepPlan?, asForeseen: Bool, at now: Duration
    ) -> [CoordinatorEffect] {
        guard phase == .applying else { return [] }
        var effects: [CoordinatorEffect] = []
        switch verdict {
        case .committed:
            recentNorms.add(round.outcomes.values.map { $0.outcome.squaredGradientNorm.squareRoot() })
        case .repeated(let reason): effects.append(.note(.repeated(step: round.plan.step, reason: reason)))
        case .rolledBack(let reason):
            effects.append(.note(.rolledBack(to: next?.step ?? round.plan.step, reason: reason)))
        case .stopped(let advice): return finish(.gaveUp(advice: advice))
        }
        if next == nil, pause.unsaved == nil, !easel.isEmpty {
            phase = .awaitingPictures(since: now)
            return effects
        }
        guard let next else { return effects + (pause.unsaved == nil ? finish(.complete) : close(.complete, at: now)) }
        let foresight = round.foresight
        round = Round(next, number: round.number + 1, isPacking: packing.isPacking)
        phase = .computing
        effects.append(beginEffect)
        effects += judge(foresight, cameTrue: asForeseen, at: now)
        for member in membership.sorted where member.isDraining { effects += dismiss(member, at: now) }
        if let stopping { return effects + close(.stopped(reason: stopping), at: now) }
        return effects + atBoundary(at: now) + proceed(at: now)
    }
}
