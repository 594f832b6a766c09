package import Wire

/// A worker's decisions, as ``Coordinator`` is the coordinator's: no socket, clock or learner in it.
package struct Worker: Sendable {
    private enum Phase: Equatable {
        /// Asked to join; asks again at this time.
        case asking(again: Duration)
        case inside
        case over
    }

    private let application: Application
    private let patience: Patience
    private var phase = Phase.asking(again: .zero)
    private var pause: RetryPause
    /// What this worker's messages are marked with in this life.
    package private(set) var stamp = Stamp.stranger
    /// The run this worker has joined; it joins no other.
    private var run: RunID?
    private var learnerIsFor: Welcome?
    private var heardAt = Duration.zero
    private var pingedAt = Duration.zero
    private(set) var status = Status()
    private var leases = LeasesInHand() {
        didSet { status.leases = leases.numbers }
    }
    private var canvas: Canvas?
    private var leavingSince: Duration?
    private var newestDelivery: UInt32 = 0
    /// Messages of earlier lives that were dropped.
    package private(set) var stale = 0

    package init(_ application: Application, patience: Patience) {
        self.application = application
        self.patience = patience
        pause = RetryPause(first: patience.retry, longest: patience.longestRetry, seed: application.instance)
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
            leases.delivered(lease)
            return leavingSince != nil && leases.isEmpty ? stop() : []
        case .reached(let workers):
            guard workers != status.reached ?? [] else { return [] }
            status.reached = workers
            return ping(at: now)
        case .notFinite(let lease, let round, let outcome):
            return phase == .inside
                ? [.send(.notFinite(lease: lease, round: round, outcome: outcome), stamp: stamp)] : []
        case .painted(let number, let file):
            guard phase == .inside, status.painting == number else { return [] }
            let canvas = Canvas(number: number, file: file)
            self.canvas = canvas
            return [.send(canvas.message, stamp: stamp)]
        case .notPainted(let number, let reason):
            guard phase == .inside, status.painting == number else { return [] }
            status.painting = nil
            return [.send(.notPainted(number: number, reason: reason), stamp: stamp)]
        case .failed(let reason):
            phase = .over
            return [.send(.failed(reason: reason), stamp: stamp), .finished(.failed(reason: reason))]
        case .progressed(let progress, let slot):
            status.progress = progress
            status.slot = slot
            return []
        case .measured(let memory):
            status.memory = memory
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

    private mutating func tick(at now: Duration) -> [Effect] {
        if let leavingSince, now - leavingSince > patience.grace { return stop() }
        switch phase {
        case .asking(let again): return now >= again ? ask(at: now) : []
        case .inside:
            if now - heardAt > patience.coordinatorSilent {
                return [.note("The coordinator is silent; looking for it again")] + lookAgain(at: now)
            }
            guard now - pingedAt >= patience.ping else { return [] }
            return (canvas.map { [.send($0.message, stamp: stamp)] } ?? []) + ping(at: now)
        case .over: return []
        }
    }

    private mutating func ping(at now: Duration) -> [Effect] {
        guard phase == .inside else { return [] }
        pingedAt = now
        status.number += 1
        return [.send(.ping(status), stamp: stamp)]
    }

    // MARK: - Joining

    /// Asks to join on fresh connections, and more and more seldom.
    private mutating func ask(at now: Duration) -> [Effect] {
        phase = .asking(again: now + pause.take())
        stamp = .stranger
        return [.connect, .send(.join(application), stamp: .stranger)]
    }

    private mutating func lookAgain(at now: Duration) -> [Effect] {
        if leavingSince != nil { return stop() }
        status.holding = nil
        status.reached = nil
        status.painting = nil
        canvas = nil
        leases.drop()
        pause.reset()
        return [.abandon(before: nil)] + ask(at: now)
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
            pause.reset()
            heardAt = now
            leases = LeasesInHand()
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

    // MARK: - Working

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
        case .refused(let refusal):
            return refusal.mayPass ? [.note("\(refusal)")] + lookAgain(at: now) : refused(refusal)
        case .rejoin(let reason):
            return [.note("The coordinator asks to join again: \(reason)")] + lookAgain(at: now)
        case .goodbye(let finished, let reason):
            phase = .over
            // The coordinator may see first that all it still had in hand has come.
            let hasLeft = leavingSince != nil && !finished
            return [
                .abandon(before: nil),
                .finished(hasLeft ? .left : .dismissed(finished: finished, reason: reason)),
            ]
        case .lease(let lease): return asked(lease)
        case .paint(let task):
            status.painting = task.number
            canvas = nil
            return [.paint(task)] + ping(at: now)
        case .paintedSoFar(let number, let count):
            guard status.painting == number, var canvas else { return [] }
            let isDone = canvas.isDone(at: count)
            self.canvas = isDone ? nil : canvas
            if isDone { status.painting = nil } else { return [.send(canvas.message, stamp: stamp)] }
        case .peers(let peers): return [.meet(peers)]
        case .reduce(let reduction): return [.reduce(reduction)]
        case .passOn(let delivery, let others, let asChange):
            return [.passOn(delivery: delivery, to: others, asChange: asChange)]
        case .stands(let delivery): return [.useForeseen(delivery: delivery)]
        case .reshard(let number, let shards):
            return number == leases.round ? [.reshard(round: number, shards)] : []
        case .resend(let number):
            guard number == leases.round else { return [] }
            leases.reopen()
            return [.resend(round: number)]
        }
        return []
    }

    private mutating func asked(_ lease: Lease) -> [Effect] {
        let arrival = leavingSince == nil ? leases.take(lease) : .stale
        switch arrival {
        case .stale:
            stale += 1
            return []
        case .another: return computeWhatCanBe()
        case .newRound: return [.abandon(before: lease.round)] + computeWhatCanBe()
        }
    }

    private mutating func computeWhatCanBe() -> [Effect] {
        leases.takeReady(status.holding?.checksum).map { .compute($0) }
    }

    // MARK: - Leaving

    private mutating func stop() -> [Effect] {
        phase = .over
        return [.abandon(before: nil), .send(.leave, stamp: stamp), .finished(.left)]
    }

    /// Finishes the slot in hand, and gives back the others now, so that nobody waits for them.
    private mutating func leave(computed: [UInt64], at now: Duration) -> [Effect] {
        guard phase == .inside, leavingSince == nil, !leases.isEmpty else { return stop() }
        let kept = leases.leave(computed: computed, current: status.slot)
        guard !kept.isEmpty else { return stop() }
        leavingSince = now
        return [
            .finishSlot, .send(.handBack(round: leases.round, keeping: kept), stamp: stamp),
            .note("Leaving after the slot in hand"),
        ]
    }
}
