package import Wire

/// A worker's decisions, as ``Coordinator`` is the coordinator's: no socket, clock or learner in it.
package struct Worker: Sendable {
    /// What may happen to a worker.
    package enum Event: Sendable {
        case start
        /// A control message came.
        case heard(CoordinatorMessage, stamp: Stamp)
        /// All chunks of weights came, and the learner has taken them.
        case took(Status.Holding)
        /// The learner is made.
        case made(Status.Shape)
        /// A lease has been computed, and all of it has arrived.
        case delivered(lease: UInt64)
        /// These workers' data ports have answered.
        case reached([UInt32])
        /// A slot was not finite.
        case notFinite(lease: UInt64, round: UInt32, SlotOutcome)
        /// The learner cannot go on.
        case failed(reason: String)
        /// The learner has done this much, in whatever unit, and is computing this slot.
        case progressed(UInt64, slot: Int?)
        /// Somebody wants this worker's machine soon: these leases are computed and on their way.
        case leave(computed: [UInt64])
        /// Somebody wants it now.
        case stop
        case tick
    }

    /// What a worker wants done.
    package enum Effect: Equatable, Sendable {
        /// Close all connections, and open a control connection.
        case connect
        case send(WorkerMessage, stamp: Stamp)
        /// Open the bulk connection and say hello on it.
        case openBulk(Welcome, stamp: Stamp)
        /// Make the learner; it stays for later joins of the same run.
        case make(Welcome)
        case compute(Lease)
        /// Begin no other slot, and say of every lease that it is computed.
        case finishSlot
        /// Meet those of these workers who have a data port.
        case meet([PeerAddress])
        /// Add up this worker's shard, and send it to the coordinator.
        case reduce(Reduction)
        /// Pass on this worker's shard of the weights.
        case passOn(delivery: UInt32, to: [UInt32])
        /// Send all sums of this round to the coordinator.
        case resend(round: UInt32)
        /// Drop what belongs to rounds before this one, or all of it when nil.
        case abandon(before: UInt32?)
        case note(String)
        case finished(End)
    }

    /// How a worker ends.
    package enum End: Equatable, Sendable {
        /// The coordinator said so: the run is complete, stopped, or does not need this worker any more.
        case dismissed(finished: Bool, reason: String)
        /// Somebody asked it to.
        case left
        case refused(Refusal)
        case failed(reason: String)
    }

    private enum Phase: Equatable {
        /// Asked to join; asks again at this time.
        case asking(again: Duration)
        case inside
        case over
    }

    private let application: Application
    private let patience: Patience
    private var phase = Phase.asking(again: .zero)
    private var retry: Duration
    private var jitter: UInt64
    /// What this worker's messages are marked with in this life.
    package private(set) var stamp = Stamp.stranger
    /// The run this worker has joined; it joins no other.
    private var run: RunID?
    private var learnerIsFor: Welcome?
    private var heardAt = Duration.zero
    private var pingedAt = Duration.zero
    private var status = Status()
    /// Those that ``Status/leases`` names.
    private var leases: [Lease] = []
    private var leavingSince: Duration?
    /// Leases that wait for their weights.
    private var waiting: [Lease] = []
    private var leasesOfRound: [UInt64] = []
    private var round: UInt32 = 0
    private var newestDelivery: UInt32 = 0
    /// Messages of earlier lives that were dropped.
    package private(set) var stale = 0

    package init(_ application: Application, patience: Patience) {
        self.application = application
        self.patience = patience
        retry = patience.retry
        jitter = application.instance
    }

    /// - Parameter now: time since the start, which never goes back.
    package mutating func handle(_ event: Event, at now: Duration) -> [Effect] {
        if phase == .over { return [] }
        switch event {
        case .start: return ask(at: now)
        case .heard(let message, let stamp): return heard(message, stamp: stamp, at: now)
        case .made(let shape):
            status.shape = shape
            return ping(at: now)
        case .took(let holding):
            status.holding = holding
            return ping(at: now) + computeWhatCanBe()
        case .delivered(let lease):
            leases.removeAll { $0.number == lease }
            status.leases.removeAll { $0 == lease }
            return leavingSince != nil && leases.isEmpty ? stop() : []
        case .reached(let workers):
            guard workers != status.reached ?? [] else { return [] }
            status.reached = workers
            return ping(at: now)
        case .notFinite(let lease, let round, let outcome):
            return phase == .inside
                ? [.send(.notFinite(lease: lease, round: round, outcome: outcome), stamp: stamp)] : []
        case .failed(let reason):
            phase = .over
            return [.send(.failed(reason: reason), stamp: stamp), .finished(.failed(reason: reason))]
        case .progressed(let progress, let slot):
            status.progress = progress
            status.slot = slot
            return []
        case .leave(let computed): return leave(computed: computed, at: now)
        case .stop: return stop()
        case .tick: return tick(at: now)
        }
    }

    /// Whether weights of this number are newer than any that have come in this life; then they are the newest.
    package mutating func accepts(delivery: UInt32) -> Bool {
        guard phase == .inside, delivery > newestDelivery else {
            stale += 1
            return false
        }
        newestDelivery = delivery
        return true
    }

    // MARK: - Leaving

    private mutating func stop() -> [Effect] {
        phase = .over
        return [.abandon(before: nil), .send(.leave, stamp: stamp), .finished(.left)]
    }

    /// Finishes the slot in hand, and gives back the others now, so that nobody waits for them.
    private mutating func leave(computed: [UInt64], at now: Duration) -> [Effect] {
        waiting = []
        guard phase == .inside, leavingSince == nil, !leases.isEmpty else {
            return stop()
        }
        var kept: [Range<Int>] = []
        for lease in leases {
            if computed.contains(lease.number) {
                kept.append(lease.first..<lease.end)
            } else if let current = status.slot, lease.first <= current, current < lease.end {
                kept.append(lease.first..<current + 1)
                break
            }
        }
        guard !kept.isEmpty else { return stop() }
        leavingSince = now
        return [
            .finishSlot, .send(.handBack(round: round, keeping: kept), stamp: stamp),
            .note("Leaving after the slot in hand"),
        ]
    }

    private mutating func tick(at now: Duration) -> [Effect] {
        if let leavingSince, now - leavingSince > patience.grace { return stop() }
        switch phase {
        case .asking(let again): return now >= again ? ask(at: now) : []
        case .inside:
            if now - heardAt > patience.coordinatorSilent {
                return [.note("The coordinator is silent; looking for it again")] + lookAgain(at: now)
            }
            return now - pingedAt >= patience.ping ? ping(at: now) : []
        case .over: return []
        }
    }

    /// Asks to join on fresh connections, and more and more seldom.
    private mutating func ask(at now: Duration) -> [Effect] {
        phase = .asking(again: now + retry * (1 + random() / 4))
        retry = min(retry * 2, patience.longestRetry)
        stamp = .stranger
        return [.connect, .send(.join(application), stamp: .stranger)]
    }

    private mutating func lookAgain(at now: Duration) -> [Effect] {
        if leavingSince != nil { return stop() }
        status.holding = nil
        status.leases = []
        leases = []
        status.reached = nil
        leasesOfRound = []
        waiting = []
        retry = patience.retry
        return [.abandon(before: nil)] + ask(at: now)
    }

    /// Evenly between 0 and 1, the same for the same worker (SplitMix64): so that many do not come back at once.
    private mutating func random() -> Double {
        jitter &+= 0x9E37_79B9_7F4A_7C15
        var bits = (jitter ^ jitter >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return Double(bits >> 11) * 0x1p-53
    }

    private mutating func ping(at now: Duration) -> [Effect] {
        guard phase == .inside else { return [] }
        pingedAt = now
        status.number += 1
        return [.send(.ping(status), stamp: stamp)]
    }

    private mutating func heard(_ message: CoordinatorMessage, stamp: Stamp, at now: Duration) -> [Effect] {
        if case .asking = phase { return answered(message, stamp: stamp, at: now) }
        guard stamp == self.stamp || stamp.worker == .nobody && stamp.run == self.stamp.run else {
            stale += 1
            return []
        }
        heardAt = now
        switch message {
        case .welcome, .answer: stale += 1
        case .pong: break
        case .refused(let refusal): return refused(refusal)
        case .rejoin(let reason):
            return [.note("The coordinator asks to join again: \(reason)")] + lookAgain(at: now)
        case .goodbye(let finished, let reason):
            phase = .over
            return [.abandon(before: nil), .finished(.dismissed(finished: finished, reason: reason))]
        case .lease(let lease): return asked(lease, at: now)
        case .peers(let peers): return [.meet(peers)]
        case .reduce(let reduction): return [.reduce(reduction)]
        case .passOn(let delivery, let others): return [.passOn(delivery: delivery, to: others)]
        case .resend(let number):
            guard number == round else { return [] }
            status.leases = leasesOfRound
            return [.resend(round: number)]
        }
        return []
    }

    private mutating func answered(_ message: CoordinatorMessage, stamp: Stamp, at now: Duration) -> [Effect] {
        switch message {
        case .welcome(let welcome):
            guard run == nil || run == stamp.run else {
                return refused(
                    Refusal(
                        field: "run", yours: run.map { "\($0)" } ?? "none", mine: "\(stamp.run)",
                        fix: "another run has begun at this address; start the worker again to join it"))
            }
            run = stamp.run
            self.stamp = stamp
            phase = .inside
            retry = patience.retry
            heardAt = now
            round = 0
            newestDelivery = 0
            var effects = [Effect.openBulk(welcome, stamp: stamp)]
            if learnerIsFor?.run != welcome.run || learnerIsFor?.threads != welcome.threads {
                learnerIsFor = welcome
                status.shape = nil
                effects.append(.make(welcome))
            }
            return effects + ping(at: now)
        case .refused(let refusal):
            guard refusal.mayPass else { return refused(refusal) }
            if let seconds = refusal.retryAfter, seconds >= 0 {
                phase = .asking(again: now + min(.seconds(seconds), patience.longestQuarantine))
            }
            return [.note("\(refusal)")]
        default:
            stale += 1
            return []
        }
    }

    private mutating func refused(_ refusal: Refusal) -> [Effect] {
        phase = .over
        return [.abandon(before: nil), .finished(.refused(refusal))]
    }

    private mutating func asked(_ lease: Lease, at now: Duration) -> [Effect] {
        guard lease.slots != nil, lease.round >= round, !status.leases.contains(lease.number), leavingSince == nil
        else {
            stale += 1
            return []
        }
        var effects: [Effect] = []
        if lease.round > round {
            round = lease.round
            status.leases = []
            leases = []
            leasesOfRound = []
            waiting = []
            effects.append(.abandon(before: round))
        }
        status.leases.append(lease.number)
        leases.append(lease)
        leasesOfRound.append(lease.number)
        waiting.append(lease)
        return effects + computeWhatCanBe()
    }

    private mutating func computeWhatCanBe() -> [Effect] {
        let ready = waiting.filter { $0.weights == status.holding?.checksum }
        waiting.removeAll { $0.weights == status.holding?.checksum }
        return ready.map { .compute($0) }
    }
}
