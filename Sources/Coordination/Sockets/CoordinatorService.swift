package import ContentStore
package import Foundation
package import Recipe
package import Wire
package import ZeroMQ

/// What happens in a run, for whoever watches.
package enum Happening: Sendable {
    case note(Note)
    /// A step was given to the optimizer.
    case stepped(StepContribution, StepVerdict)
}

/// Something asked of a coordinator while it runs, from any thread.
package enum CoordinatorCommand: Sendable {
    /// Finish the step, save, say goodbye. Asked twice: do not finish the step.
    case stop(reason: String)
    /// Let the workers of this name or number go after this step.
    case drain(String)
    /// Hold still after this step, until told to go on.
    case pause(reason: String)
    case resume
    /// Write down the state after this step.
    case save
    /// Let the workers of this name back in at once.
    case admit(String)
}

/// A coordinator at its sockets: one thread that owns them, the ``Master`` and the gradients, and does what
/// ``Coordinator`` decides.
///
/// Memory for N workers and a gradient of G bytes, at most: N·G for sums coming in, `2·N·log2 S`·G for sums held (in
/// practice about N, since neighbours are added up at once), 2·G for weights going out, and N·credit·chunk between
/// the processes, each way; and of each connection, before it is read, 16 control messages of 1 MiB and 2·credit + 8
/// chunks.
package final class CoordinatorService {
    package struct Configuration: Sendable {
        /// Port 0 lets the system choose both ports; otherwise bulk is at the next one.
        package var address: Address
        /// Who the coordinator is and whom it lets in; nil encrypts nothing and lets everybody in.
        package var identity: CoordinatorIdentity?
        /// Listen where other machines can reach it, although nothing is encrypted or authenticated.
        package var insecure = false
        package var runID: RunID
        /// Greater than at any earlier start of this run's coordinator.
        package var incarnation: UInt64
        /// What the program tells its workers about the run.
        package var run: Data
        package var software: String
        package var libtorch: String
        /// nil admits all; "" admits the first worker's class only.
        package var exactnessClass: String?
        package var threadsPerWorker = 1
        package var minimumWorkers = 1
        /// Whether a step is shared out by measured speed; otherwise evenly.
        package var sharesBySpeed = true
        package var topology = Topology.auto
        package var gradientFormat = GradientFormat.fp32
        package var chunkBytes = 512 << 10
        package var creditChunks = 16
        package var patience = Patience()
        /// The epoch of a step, from 1, and how many there are, for whoever asks how the run stands.
        package var epoch: @Sendable (_ step: Int) -> (number: Int, count: Int)? = { _ in nil }
        /// What workers may fetch.
        package var contents = ContentShelf()

        package init(
            address: Address, runID: RunID, incarnation: UInt64, run: Data, software: String, libtorch: String
        ) {
            self.address = address
            self.runID = runID
            self.incarnation = incarnation
            self.run = run
            self.software = software
            self.libtorch = libtorch
        }
    }

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
    private let control: Socket
    private let desk: BulkDesk
    /// What strangers may have sent to them, to see how fast the way is.
    private var padding = AllowancePerSecond(4 << 20)
    private var clock = ListeningClock()
    private var coordinator: Coordinator
    private var weights: OutgoingWeights
    private var sum: TreeSum
    /// Time spent on adding up in this step.
    private var reducing = Duration.zero
    private var end: Finish?
    private var operators = OperatorDesk()
    private var lastContribution: StepContribution?

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
        self.configuration = configuration
        self.master = master
        self.observe = observe
        commands = try Mailbox()
        let context = try Context(ioThreads: 2)
        gate = try Gate(configuration.identity, in: context)
        control = try Socket(.router, in: context)
        try setManners(of: control, limit: Control.workerLimit + 1024, highWaterMark: 16)
        // Answers are small, and one for each of many questions must not be lost.
        try control.set(.sendHighWaterMark, to: 1_000)
        try control.set(.routerMandatory, to: true)
        try gate.secure(control, at: configuration.address)
        try control.bind("\(configuration.address)")
        address = try Address(control.endpoint)
        desk = try BulkDesk(
            Address(
                host: configuration.address.host,
                port: configuration.address.port == 0 ? 0 : configuration.address.port + 1),
            behind: gate, in: context, parameterCount: master.parameterCount, chunkBytes: configuration.chunkBytes,
            creditChunks: configuration.creditChunks, format: configuration.gradientFormat,
            contents: configuration.contents)
        try gate.open()

        weights = master.withWeights { OutgoingWeights(copying: $0, chunkBytes: configuration.chunkBytes) }
        let plan = StepPlan(master, weights: weights)
        sum = TreeSum(SlotTree(slotCount: plan.slotCount))
        let welcome = Welcome(
            run: configuration.run, bulkPort: desk.port, parameterCount: master.parameterCount,
            chunkBytes: configuration.chunkBytes, creditChunks: configuration.creditChunks,
            threads: configuration.threadsPerWorker, gradientFormat: configuration.gradientFormat)
        var settings = Coordinator.Settings(
            run: configuration.runID, incarnation: configuration.incarnation,
            requirements: Requirements(
                software: configuration.software, libtorch: configuration.libtorch,
                exactnessClass: configuration.exactnessClass,
                shape: Status.Shape(
                    parameterCount: master.parameterCount, tableHash: master.shapeTableHash)),
            welcome: welcome)
        settings.patience = configuration.patience
        settings.minimumWorkers = configuration.minimumWorkers
        settings.sharesBySpeed = configuration.sharesBySpeed
        settings.topology = configuration.topology
        coordinator = Coordinator(settings, plan: plan)
    }

    /// Messages that were dropped so far, and why.
    package var dropped: Coordinator.Dropped { coordinator.dropped + desk.dropped }

    /// Runs to the end of the run, or until a command stops it.
    ///
    /// Blocks: call it on a thread of its own.
    ///
    /// - Throws: what the master throws; the workers have been told goodbye.
    package func run() throws -> Finish {
        guard master.step < master.totalSteps else { return .complete }
        do {
            try perform(coordinator.start())
            var tickedAt = Duration.seconds(-1)
            while end == nil {
                _ = try poll(
                    [Interest(commands), Interest(control), Interest(desk.socket)], timeout: desk.patience)
                let now = clock.advance()
                for command in commands.takeAll() { try obey(command, at: now) }
                try readControl(at: now)
                try readBulk(at: now)
                if now - tickedAt >= .milliseconds(100) {
                    tickedAt = now
                    for sentence in gate.tick(at: now) { observe(.note(.atTheGate(sentence))) }
                    try happen(.tick, at: now)
                }
                for id in try desk.pump() { try happen(.unreachable(id), at: now) }
                answer(operators.settle(coordinator))
            }
            if let end { answer(operators.close(end, step: master.step)) }
        } catch {
            for member in coordinator.membership.members.values {
                try? post(.goodbye(finished: false, reason: "\(error)"), to: member.peer, stamp: member.stamp)
            }
            Thread.sleep(forTimeInterval: 0.2)
            throw error
        }
        // The last goodbyes are on libzmq's thread; closing sockets drops what it has not sent.
        Thread.sleep(forTimeInterval: 0.2)
        return end ?? .complete
    }

    private func obey(_ command: CoordinatorCommand, at now: Duration) throws {
        switch command {
        case .stop(let reason): try happen(.stop(reason: reason), at: now)
        case .drain(let name): try happen(.drain(name), at: now)
        case .pause(let reason): try happen(.pause(reason: reason), at: now)
        case .resume: try happen(.resume, at: now)
        case .save: try happen(.save, at: now)
        case .admit(let name): try happen(.admit(name), at: now)
        }
    }

    private func happen(_ event: CoordinatorEvent, at now: Duration) throws {
        guard end == nil else { return }
        try perform(coordinator.handle(event, at: now))
    }

    // MARK: - Listening

    private func readControl(at now: Duration) throws {
        for _ in 0..<1000 {
            do {
                guard let frames = try control.receive(maximumFrames: 3) else { return }
                let peer = Peer(frames[0].bytes)
                do {
                    let (header, payload) = try openHeader(frames.dropFirst())
                    if header.kind == .operation {
                        try operate(header, payload, from: peer, at: now)
                        continue
                    }
                    guard header.kind == .control else { throw WireError.unknownKind(header.kind.rawValue) }
                    let message = try open(WorkerMessage.self, header, payload, limit: Control.workerLimit)
                    guard try passes(message, header.stamp, from: peer, in: payload, at: now) else { continue }
                    if case .inquire(let inquiry) = message {
                        answer(inquiry, of: peer, at: now)
                    } else {
                        try happen(.heard(message, from: peer, stamp: header.stamp), at: now)
                    }
                } catch WireError.protocolVersion(let theirs, let ours) {
                    try refuse(peer, version: theirs, ours: ours)
                } catch WireError.payloadChecksum, WireError.headerChecksum {
                    coordinator.dropped.corrupt += 1
                } catch is WireError {
                    coordinator.dropped.malformed += 1
                }
            } catch ZeroMQError.tooManyFrames {
                coordinator.dropped.malformed += 1
            }
        }
    }

    private func answer(_ inquiry: Inquiry, of peer: Peer, at now: Duration) {
        let wanted = min(max(0, inquiry.wanted), Inquiry.paddingLimit)
        let isGranted = padding.take(wanted, at: now)
        let answer = InquiryAnswer(
            number: inquiry.number, software: configuration.software, libtorch: configuration.libtorch,
            exactnessClass: coordinator.membership.requirements.exactnessClass.flatMap { $0.isEmpty ? nil : $0 },
            bulkPort: desk.port, clock: Date().timeIntervalSince1970, padding: Data(count: isGranted ? wanted : 0))
        try? post(.answer(answer), to: peer, stamp: .stranger)
    }

    /// Whether the key that a message came with is that of the worker it names; whoever it is hears why not.
    private func passes(
        _ message: WorkerMessage, _ stamp: Stamp, from peer: Peer, in frame: Frame, at now: Duration
    ) throws -> Bool {
        var name: String?
        let member = coordinator.membership.member(at: peer, with: stamp)
        if case .join(let application) = message { name = application.name }
        name = name ?? member.flatMap { coordinator.membership[$0]?.name }
        guard let refusal = gate.refusal(of: frame, as: name) else { return true }
        coordinator.dropped.foreign += 1
        if let member {
            try happen(.revoked(member, refusal), at: now)
        } else {
            try? post(.refused(refusal), to: peer, stamp: .stranger)
        }
        return false
    }

    /// Somebody who speaks another version may still understand this.
    private func refuse(_ peer: Peer, version: UInt16, ours: UInt16) throws {
        coordinator.dropped.malformed += 1
        let refusal = Refusal(
            field: "protocol version", yours: "\(version)", mine: "\(ours)", fix: "install the same Danlu on both")
        observe(.note(.refused(name: "a worker", refusal)))
        try? post(.refused(refusal), to: peer, stamp: .stranger)
    }

    private func readBulk(at now: Duration) throws {
        for _ in 0..<256 {
            let sender = { [coordinator] stamp in
                coordinator.membership.member(with: stamp).flatMap { coordinator.membership[$0]?.name }
            }
            guard let arrival = try desk.receive(round: coordinator.round, sender: sender) else { return }
            switch arrival {
            case .nothing: break
            case .opened(let stamp): try happen(.bulkOpened(stamp: stamp), at: now)
            case .sum(let sum, let norm, let stamp):
                try happen(.sum(sum, norm: norm, stamp: stamp), at: clock.advance())
            case .damagedSum(let slots, let round, let stamp):
                try happen(.damagedSum(slots, round: round, stamp: stamp), at: clock.advance())
            case .reduced(let round, let norm): try happen(.reduced(round: round, norm: norm), at: clock.advance())
            }
        }
    }

    // MARK: - Operators

    private func operate(_ header: Header, _ payload: Frame, from peer: Peer, at now: Duration) throws {
        let request = try open(OperationRequest.self, header, payload, limit: OperationRequest.limit)
        guard mayOperate(payload) else {
            let sentence =
                "this key is not an operator's: add the word 'operator' to its line in the coordinator's authorized_keys"
            return answer([
                (peer, OperationReply(number: request.number, isLast: true, isDone: false, sentence: sentence))
            ])
        }
        let (event, answer) = operators.take(request, from: peer, coordinator, status(at: now))
        self.answer([answer])
        if let event { try happen(event, at: now) }
    }

    /// Whether whoever sent this may steer the run.
    private func mayOperate(_ frame: Frame) -> Bool { gate.bearer(of: frame)?.isOperator ?? false }

    private func status(at now: Duration) -> RunStatus {
        let epoch = configuration.epoch(master.step)
        let last = lastContribution
        return RunStatus(
            snapshot: coordinator.snapshot(at: now), totalSteps: master.totalSteps, epoch: epoch?.number,
            epochs: epoch?.count, loss: last?.loss,
            samplesPerSlot: last.map { Double($0.samples) / Double(max(1, $0.outcomes.count)) },
            incarnation: configuration.incarnation)
    }

    private func answer(_ answers: [OperatorDesk.Answer]) {
        for (peer, reply) in answers {
            try? control.send([Frame(peer.routingID)] + letter(reply, kind: .operation, stamp: .stranger))
        }
    }

    // MARK: - Doing

    private func perform(_ effects: [CoordinatorEffect]) throws {
        for effect in effects {
            switch effect {
            case .send(let message, let peer, let stamp): try? post(message, to: peer, stamp: stamp)
            case .sendWeights(let id, let step, let delivery):
                if let member = coordinator.membership.members[id] {
                    desk.send(weights, step: step, delivery: delivery, to: member.stamp)
                }
            case .scatterWeights(let shards, let step, let delivery):
                let owners = shards.compactMap { shard in
                    coordinator.membership.members[WorkerID(shard.owner)].flatMap { member in
                        shard.chunks.map { (stamp: member.stamp, chunks: $0) }
                    }
                }
                desk.scatter(weights, step: step, delivery: delivery, to: owners)
            case .begin(_, _, let slotCount):
                sum = TreeSum(SlotTree(slotCount: slotCount))
                desk.dropReduced()
            case .keep(let slots, let id):
                let began = ContinuousClock.now
                if let floats = desk.takeSum(of: id) { sum.take(floats, over: slots) }
                reducing += ContinuousClock.now - began
            case .discard(_, let id): _ = desk.takeSum(of: id)
            case .forget(let id): desk.forget(id)
            case .finishStep(let contribution): try finishStep(contribution)
            case .save: try save()
            case .note(let note): observe(.note(note))
            case .finished(let finish): end = finish
            }
        }
    }

    private func save() throws {
        do {
            try master.save()
        } catch {
            answer(operators.saved(step: master.step, failure: "\(error)"))
            return try happen(.saveFailed(reason: "\(error)"), at: clock.advance())
        }
        answer(operators.saved(step: master.step, failure: nil))
        try happen(.saved, at: clock.advance())
    }

    private func finishStep(_ contribution: StepContribution) throws {
        var contribution = contribution
        let began = ContinuousClock.now
        let leftOut = Set(contribution.leftOut.map(\.slot))
        let total =
            if coordinator.round.shards != nil, let reduced = desk.takeReduced() {
                reduced
            } else {
                try sum.finish(leavingOut: leftOut) ?? .zeros(count: master.parameterCount)
            }
        sum = TreeSum(SlotTree(slotCount: 0))
        contribution.reduceSeconds = (reducing + (ContinuousClock.now - began)).inSeconds
        reducing = .zero
        let verdict = try master.apply(total.elements, contribution)
        weights = master.withWeights { OutgoingWeights(copying: $0, chunkBytes: configuration.chunkBytes) }
        let next = master.step < master.totalSteps ? StepPlan(master, weights: weights) : nil
        contribution.optimizerSeconds = (ContinuousClock.now - began).inSeconds
        lastContribution = contribution
        observe(.stepped(contribution, verdict))
        if let reason = master.unsaved { try happen(.saveFailed(reason: reason), at: clock.advance()) }
        try happen(.applied(verdict, next: next), at: clock.advance())
    }

    private func post(_ message: CoordinatorMessage, to peer: Peer, stamp: Stamp) throws {
        try control.send([Frame(peer.routingID)] + letter(message, stamp: stamp))
    }
}

extension StepPlan {
    fileprivate init(_ master: any Master, weights: OutgoingWeights) {
        self.init(
            step: master.step, slotCount: master.step < master.totalSteps ? master.slotCount(of: master.step) : 0,
            lossScale: master.lossScale, weights: weights.checksum)
        firstSlot = master.firstSlot(of: step)
        growth = master.slotsPerWorker.map { Growth(slotsPerWorker: $0, limit: slotCount) }
        // A few slots until it is known for how many workers the step is.
        self = settled(for: 1)
    }
}
