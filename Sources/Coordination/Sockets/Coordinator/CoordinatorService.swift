import Foundation
import Recipe
import Wire
package import ZeroMQ

/// A coordinator at its sockets: one thread that owns them, the ``Master`` and the gradients, and does what
/// ``Coordinator`` decides.
///
/// Memory for N workers that keep to the rules and a gradient of G bytes: N·G for sums coming in, N·G for sums that wait
/// for their neighbours (at worst, with leases that are no whole subtrees, 2·log2 S times as much), 5·G for weights, the
/// sum and what the optimizer has, and for each worker credit·chunk that has not been read, and 256 KiB for its
/// connections. Where workers add up among themselves, 2·G for the sum and for weights that are foreseen take the place of
/// the 2·N·G. Where numbers go in fewer bytes, G more. One that breaks the rules: 16 control messages of 1 MiB and
/// 2·credit + 8 chunks more. Who has not joined: as ``Strangers/Limits`` says.
package final class CoordinatorService {
    /// Where workers find it, with the port that the system chose.
    package let address: Address
    /// The port of the bulk connections, on the same host.
    package var bulkPort: UInt16 { desk.port }
    /// Commands may be put in here from any thread.
    package let commands: Mailbox<CoordinatorCommand>

    private let configuration: Configuration
    private let master: any Master
    private let observe: (Happening) -> Void
    private let gate: Gate
    private let control: ControlDesk
    private let desk: BulkDesk
    private var inquiries: InquiryDesk
    private var operators = OperatorDesk()
    private var clock = ListeningClock()
    private var coordinator: Coordinator
    private var weights: OutgoingWeights
    private var sum = StepSum()
    private var foreseeing = Foreseeing()
    private var lastContribution: StepContribution?
    private var end: Finish?

    /// Binds both ports; the workers may come from now on.
    ///
    /// - Parameter observe: called on the thread that calls ``run()``.
    /// - Throws: ``Address/Malformed``, ``ZeroMQError`` with one sentence, for example that a port is taken.
    package init(
        _ configuration: Configuration, master: any Master, observe: @escaping (Happening) -> Void
    ) throws {
        guard configuration.address.isLoopback || configuration.insecure || configuration.identity != nil else {
            throw Address.Malformed.open(configuration.address)
        }
        let bulk = try configuration.address.bulk()
        self.configuration = configuration
        self.master = master
        self.observe = observe
        commands = try Mailbox()
        let context = try Context(ioThreads: 2)
        gate = try Gate(configuration.identity, in: context)
        control = try ControlDesk(configuration.address, behind: gate, in: context)
        address = control.address
        desk = try BulkDesk(
            bulk, behind: gate, in: context, parameterCount: master.parameterCount,
            chunkBytes: configuration.chunkBytes, creditChunks: configuration.creditChunks,
            format: configuration.gradientFormat, contents: configuration.contents)
        try gate.open()
        inquiries = InquiryDesk(
            software: configuration.software, libtorch: configuration.libtorch, bulkPort: desk.port)
        weights = master.withWeights { OutgoingWeights(copying: $0, chunkBytes: configuration.chunkBytes) }
        coordinator = Self.decisions(
            configuration, master, bulkPort: desk.port, plan: StepPlan(master, weights: weights))
    }

    /// Messages that were dropped so far, and why.
    package var dropped: Coordinator.Dropped { coordinator.dropped + control.dropped + desk.dropped }

    /// Steps whose weights were sent before they were decided, and of those the ones that came out so.
    package var foreseen: (steps: Int, cameTrue: Int) { foreseeing.count }

    /// Runs to the end of the run, or until a command stops it.
    ///
    /// Blocks: call it on a thread of its own.
    ///
    /// - Throws: what the master throws; the workers have been told goodbye.
    package func run() throws -> Finish {
        guard master.step < master.totalSteps else { return .complete }
        do {
            try perform(coordinator.start())
            for missed in master.picturesMissed() {
                try missed.weights.withUnsafeBytes { weights in
                    try order(missed.requests, step: missed.step, weights: weights, isLast: false)
                }
            }
            try orderPictures(isLast: false)
            var tickedAt = Duration.seconds(-1)
            var watchedAt = Duration.seconds(-1e6)
            while end == nil {
                _ = try poll(
                    [Interest(commands), Interest(control.socket), Interest(desk.socket)], timeout: desk.patience)
                let now = clock.advance()
                for command in commands.takeAll() { try happen(command.event, at: now) }
                try readControl(at: now)
                try readBulk(at: now)
                if now - tickedAt >= .milliseconds(100) {
                    tickedAt = now
                    for sentence in gate.tick(at: now) { observe(.note(.atTheGate(sentence))) }
                    for (id, refusal) in gate.takeRevoked() { try happen(.revoked(id, refusal), at: now) }
                    try happen(.tick, at: now)
                }
                if let interval = configuration.watchInterval, now - watchedAt >= interval {
                    watchedAt = now
                    observe(.standing(status(at: now)))
                }
                for id in try desk.pump() { try happen(.unreachable(id), at: now) }
                control.answer(operators.settle(coordinator))
            }
            if let end { control.answer(operators.close(end, step: master.step)) }
            if configuration.watchInterval != nil { observe(.standing(status(at: clock.advance()))) }
        } catch {
            for member in coordinator.membership.members.values {
                control.post(.goodbye(finished: false, reason: "\(error)"), to: member.peer, stamp: member.stamp)
            }
            Thread.sleep(forTimeInterval: 0.2)
            throw error
        }
        // The last goodbyes are on libzmq's thread; closing sockets drops what it has not sent.
        Thread.sleep(forTimeInterval: 0.2)
        return end ?? .complete
    }

    private func happen(_ event: CoordinatorEvent, at now: Duration) throws {
        guard end == nil else { return }
        try perform(coordinator.handle(event, at: now))
    }

    // MARK: - Listening

    private func readControl(at now: Duration) throws {
        for _ in 0..<1000 {
            guard let arrival = try control.receive(coordinator.membership) else { return }
            switch arrival {
            case .nothing: break
            case .message(let message, let peer, let stamp):
                try happen(.heard(message, from: peer, stamp: stamp), at: now)
            case .inquiry(let inquiry, let peer):
                let exactnessClass = coordinator.membership.requirements.exactnessClass
                let answer = inquiries.answer(inquiry, exactnessClass: exactnessClass, at: now)
                control.post(.answer(answer), to: peer, stamp: .stranger)
            case .operation(let request, let peer):
                let (event, answer) = operators.take(request, from: peer, coordinator, status(at: now))
                control.answer([answer])
                if let event { try happen(event, at: now) }
            case .revoked(let id, let refusal): try happen(.revoked(id, refusal), at: now)
            case .refused(let refusal): observe(.note(.refused(name: "a worker", refusal)))
            }
        }
    }

    private func readBulk(at now: Duration) throws {
        for _ in 0..<256 {
            let sender = { [coordinator] stamp in
                coordinator.membership.member(with: stamp).flatMap { coordinator.membership[$0]?.name }
            }
            guard let arrival = try desk.receive(round: coordinator.round, sender: sender) else { break }
            switch arrival {
            case .nothing: break
            case .opened(let stamp): try happen(.bulkOpened(stamp: stamp), at: now)
            case .sum(let sum, let norm, let stamp):
                try happen(.sum(sum, norm: norm, stamp: stamp), at: clock.advance())
            case .damagedSum(let slots, let round, let stamp):
                try happen(.damagedSum(slots, round: round, stamp: stamp), at: clock.advance())
            case .reduced(let round, let norms, let own):
                try happen(.reduced(round: round, norms: norms, own: own), at: clock.advance())
            }
        }
        try foreseeing.advance(master, through: desk)
    }

    private func status(at now: Duration) -> RunStatus {
        let epoch = configuration.epoch(master.step)
        let last = lastContribution
        var snapshot = coordinator.snapshot(at: now)
        snapshot.dropped = dropped
        if snapshot.state == .over { snapshot.step = master.step }
        return RunStatus(
            snapshot: snapshot, totalSteps: master.totalSteps, epoch: epoch?.number, epochs: epoch?.count,
            loss: last?.loss, samplesPerSlot: last.map { Double($0.samples) / Double(max(1, $0.outcomes.count)) },
            incarnation: configuration.incarnation, progress: configuration.progress(),
            shares: (last?.shares ?? []).map { RunStatus.Share($0) })
    }

    // MARK: - Doing

    private func perform(_ effects: [CoordinatorEffect]) throws {
        for effect in effects {
            switch effect {
            case .send(let message, let peer, let stamp): control.post(message, to: peer, stamp: stamp)
            case .sendWeights(let id, let step, let delivery):
                if let member = coordinator.membership.members[id] {
                    desk.send(
                        weights, step: step, delivery: delivery, asUpdate: member.isSentUpdate, to: member.stamp)
                }
            case .scatterWeights(let shards, let step, let delivery):
                desk.scatter(
                    weights, step: step, delivery: delivery, asUpdate: coordinator.round.isScatteredAsUpdate,
                    to: owners(of: shards))
            case .foresee(let shards, let step, let delivery, let asChange):
                try foreseeing.begin(
                    master, step: step, delivery: delivery, since: asChange ? weights.floats : nil,
                    chunkBytes: configuration.chunkBytes, through: desk, to: owners(of: shards))
            case .forgetForeseen: foreseeing.forget(through: desk)
            case .begin(_, _, let slotCount):
                sum.begin(slotCount: slotCount)
                desk.dropReduced()
                desk.isPacking = coordinator.round.isPacking
            case .reduce(let reduction):
                if case .reduced(let round, let norms, let own) = try desk.reduce(reduction, round: coordinator.round) {
                    try happen(.reduced(round: round, norms: norms, own: own), at: clock.advance())
                }
            case .keep(let slots, let id):
                if let floats = desk.takeSum(of: id) { sum.take(floats, over: slots) }
            case .discard(_, let id): _ = desk.takeSum(of: id)
            case .forget(let id): desk.forget(id)
            case .finishStep(let contribution): try finishStep(contribution)
            case .save: try save()
            case .keepResult(let task, let file, let name): keep(file, of: task, by: name)
            case .release(let weights): desk.withdraw(weights)
            case .note(let note): observe(.note(note))
            case .finished(let finish): end = finish
            }
        }
    }

    private func owners(of shards: [Shard]) -> [(stamp: Stamp, chunks: Range<UInt32>)] {
        shards.compactMap { shard in
            coordinator.membership.members[WorkerID(shard.owner)].flatMap { member in
                shard.chunks.map { (stamp: member.stamp, chunks: $0) }
            }
        }
    }

    private func save() throws {
        do {
            try master.save()
        } catch {
            control.answer(operators.saved(step: master.step, failure: "\(error)"))
            return try happen(.saveFailed(reason: "\(error)"), at: clock.advance())
        }
        control.answer(operators.saved(step: master.step, failure: nil))
        try happen(.saved, at: clock.advance())
    }

    private func finishStep(_ contribution: StepContribution) throws {
        var contribution = contribution
        let began = ContinuousClock.now
        try foreseeing.advance(master, through: desk)
        let total = try sum.finish(
            leavingOut: Set(contribution.leftOut.map(\.slot)),
            reduced: coordinator.round.shards == nil ? nil : desk.takeReduced(), count: master.parameterCount)
        contribution.reduceSeconds = total.seconds
        let verdict = try master.apply(total.floats.elements, contribution)
        let foreseen = verdict == .committed ? foreseeing.judge(master) : nil
        weights =
            foreseen
            ?? master.withWeights {
                // Back to earlier weights is too long a way to be rounded.
                let format = verdict == .committed ? configuration.updateFormat : .fp32
                return OutgoingWeights(
                    nearest: $0, after: weights, format: format, chunkBytes: configuration.chunkBytes)
            }
        let next = master.step < master.totalSteps ? StepPlan(master, weights: weights) : nil
        contribution.optimizerSeconds = (ContinuousClock.now - began).inSeconds
        lastContribution = contribution
        observe(.stepped(contribution, verdict))
        if let reason = master.unsaved { try happen(.saveFailed(reason: reason), at: clock.advance()) }
        if verdict == .committed { try orderPictures(isLast: next == nil) }
        try happen(.applied(verdict, next: next, asForeseen: foreseen != nil), at: clock.advance())
    }

    // MARK: - Pictures and validation losses

    private func orderPictures(isLast: Bool) throws {
        let requests = master.picturesDue()
        let validation = master.validationDue()
        guard !requests.isEmpty || validation != nil else { return }
        try master.withWeights {
            let weights = UnsafeRawBufferPointer($0)
            try order(requests, validation: validation, step: master.step, weights: weights, isLast: isLast)
        }
    }

    private func order(
        _ requests: [Data], validation: Data? = nil, step: Int, weights: UnsafeRawBufferPointer, isLast: Bool
    ) throws {
        let content = desk.offer([UInt8](weights))
        let order = PictureOrder(
            step: step, weights: content, requests: requests, validation: validation, isLast: isLast)
        try happen(.picturesDue(order), at: clock.advance())
    }

    /// What cannot be kept is no reason to stop a run.
    private func keep(_ file: [UInt8], of task: PictureTask, by name: String) {
        do {
            switch task.kind {
            case .picture:
                try master.keep(picture: file, step: task.step, index: task.index)
                observe(.note(.picture(step: task.step, number: task.index, by: name)))
            case .validation:
                let loss = try master.keep(validation: file, step: task.step)
                observe(.note(.validated(step: task.step, loss: loss, by: name)))
            }
        } catch {
            let reason = "\(error)"
            observe(
                .note(
                    task.kind == .validation
                        ? .notValidated(step: task.step, reason: reason)
                        : .noPicture(step: task.step, number: task.index, reason: reason)))
        }
    }
}
