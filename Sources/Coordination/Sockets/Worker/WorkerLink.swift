import Foundation
import Recipe
import Synchronization
import Wire
import ZeroMQ

/// The talking thread of a worker: owns its sockets, and does what ``Worker`` decides.
final class WorkerLink {
    private let configuration: WorkerService.Configuration
    private let bench: Workbench
    private let commands: Mailbox<WorkerService.Command>
    private let observe: @Sendable (String) -> Void
    private var clock = ListeningClock()
    private var worker: Worker
    private var end: Worker.End?

    private let lines: CoordinatorLines
    private let peers: PeerDesk
    private var stamp = Stamp.stranger
    private var chunkBytes = 1
    private var creditChunks = 1
    private var delivery = SumDelivery(
        chunkBytes: 1, creditChunks: 1, format: .fp32, parameterCount: 0, stamp: .stranger)
    private var intake = WeightsIntake(parameterCount: 0, chunkBytes: 1, updateFormat: .fp32)
    private var owedCredit = 0
    private var measuredAt = Duration.seconds(-1)
    private var contents: ContentLine?
    private var contentLines: UInt32 = 0

    init(
        _ configuration: WorkerService.Configuration, bench: Workbench, commands: Mailbox<WorkerService.Command>,
        observe: @escaping @Sendable (String) -> Void
    ) throws {
        self.configuration = configuration
        self.bench = bench
        self.commands = commands
        self.observe = observe
        let context = try Context()
        lines = try CoordinatorLines(to: configuration.address, key: configuration.key, in: context)
        peers = try PeerDesk(configuration.dataEndpoint, isProtected: configuration.key != nil, in: context)
        var application = configuration.application
        application.dataAddress = peers.address
        application.dataKey = peers.publicKey
        worker = Worker(application, patience: configuration.patience)
    }

    func run() throws -> Worker.End {
        defer { contents?.events.put(.over) }
        try happen(.start, at: clock.advance())
        while true {
            if let end {
                // The last word is on libzmq's thread; closing the socket drops what it has not sent.
                Thread.sleep(forTimeInterval: 0.1)
                return end
            }
            let interests = [Interest(commands), Interest(bench.reports)] + lines.interests + peers.interests
            _ = try poll(interests, timeout: .milliseconds(100))
            let now = clock.advance()
            for command in commands.takeAll() { try obey(command, at: now) }
            try lookAtBench(at: now)
            if now - measuredAt >= .seconds(1) {
                measuredAt = now
                try happen(.measured(configuration.memory()), at: now)
            }
            for sentence in try lines.complaints(at: now) { observe(sentence) }
            try readControl(at: now)
            try readBulk()
            try peers.read { header, payload in try takeWeights(header, payload, isOwnShare: false) }
            try happen(.reached(peers.reached), at: now)
            intake.relay(through: peers)
            if let measurement = delivery.reduce(at: peers) { lines.say(.measured(measurement), stamp: stamp) }
            for sentence in try peers.pump(at: now) { observe(sentence) }
            if let bulk = lines.bulk {
                try delivery.pump(to: bulk.socket)
                for lease in delivery.takeDelivered(peers) { try happen(.delivered(lease: lease), at: now) }
            }
            try happen(.tick, at: now)
        }
    }

    private func obey(_ command: WorkerService.Command, at now: Duration) throws {
        switch command {
        case .stop: try happen(.stop, at: now)
        case .leave:
            // In this order: what the learner begins after this it gives up itself.
            bench.isLastSlot.store(true, ordering: .sequentiallyConsistent)
            try lookAtBench(at: now)
            try happen(.leave(computed: delivery.computed), at: now)
        }
    }

    private func happen(_ event: Worker.Event, at now: Duration) throws {
        guard end == nil else { return }
        for effect in worker.handle(event, at: now) { try perform(effect) }
    }

    // MARK: - Doing

    private func perform(_ effect: Worker.Effect) throws {
        switch effect {
        case .connect: try lines.openControl()
        case .send(let message, let stamp): lines.say(message, stamp: stamp)
        case .openBulk(let welcome, let stamp): try openBulk(welcome, stamp)
        case .make(let welcome): bench.jobs.put(.make(welcome, try newContents()))
        case .meet(let others): try peers.meet(others)
        case .reduce(let reduction): peers.reduce(reduction)
        case .passOn(let delivery, let others, let asChange):
            intake.passOn(delivery, to: others, asChange: asChange)
        case .useForeseen(let delivery):
            if let weights = intake.stand(delivery) { use(weights) }
        case .reshard(let round, let shards): delivery.reshard(round, shards)
        case .resend(let round): delivery.resend(round, withdrawingFrom: peers)
        case .compute(let lease):
            delivery.heed(lease)
            peers.isPacking = lease.isPacking
            bench.jobs.put(.compute(lease, epoch: bench.epoch.load(ordering: .acquiring)))
        case .paint(let task):
            bench.painting.store(task.number, ordering: .relaxed)
            bench.jobs.put(.paint(task))
        case .finishSlot: bench.isLastSlot.store(true, ordering: .sequentiallyConsistent)
        case .abandon(let round):
            bench.giveUp()
            if round == nil { bench.painting.store(0, ordering: .relaxed) }
            delivery.abandon(before: round)
            peers.abandon(before: round)
        case .note(let sentence): observe(sentence)
        case .finished(let end): self.end = end
        }
    }

    private func openBulk(_ welcome: Welcome, _ stamp: Stamp) throws {
        self.stamp = stamp
        chunkBytes = max(1, welcome.chunkBytes)
        creditChunks = max(1, welcome.creditChunks)
        owedCredit = 0
        intake = WeightsIntake(
            parameterCount: welcome.parameterCount, chunkBytes: chunkBytes, updateFormat: welcome.updateFormat)
        delivery = SumDelivery(
            chunkBytes: chunkBytes, creditChunks: creditChunks, format: welcome.gradientFormat,
            parameterCount: welcome.parameterCount, stamp: stamp)
        peers.begin(welcome, stamp)
        try lines.openBulk(
            port: welcome.bulkPort, chunkBytes: chunkBytes, creditChunks: creditChunks, stamp: stamp)
        contents?.events.put(.opened(chunkBytes: chunkBytes, creditChunks: creditChunks))
    }

    /// A way for one learner to get what it is made of; requests of earlier ones have other numbers.
    private func newContents() throws -> ContentLine {
        contents?.events.put(.over)
        contentLines &+= 1
        let line = try ContentLine(
            after: contentLines << 24, patience: configuration.patience.content,
            send: { [bench] number, request in bench.reports.put(.wanted(number, request)) },
            progressed: { [bench] in bench.progress.wrappingAdd(1, ordering: .relaxed) })
        line.events.put(.opened(chunkBytes: chunkBytes, creditChunks: creditChunks))
        contents = line
        return line
    }

    // MARK: - Listening

    private func lookAtBench(at now: Duration) throws {
        let slot = bench.slot.load(ordering: .sequentiallyConsistent)
        try happen(.progressed(bench.progress.load(ordering: .relaxed), slot: slot < 0 ? nil : slot), at: now)
        for report in bench.reports.takeAll() { try heed(report, at: now) }
    }

    private func heed(_ report: Workbench.Report, at now: Duration) throws {
        switch report {
        case .made(let shape): try happen(.made(shape), at: now)
        case .took(let holding): try happen(.took(holding), at: now)
        case .failed(let reason): try happen(.failed(reason: reason), at: now)
        case .grown(let lease, let slots, let floats, let range, let epoch):
            if bench.isCurrent(epoch) { delivery.grow(floats, over: slots, of: lease, by: range, through: peers) }
        case .sum(let sum, let floats, let step, let epoch):
            guard bench.isCurrent(epoch) else { return }
            if let word = delivery.send(sum, floats, step: step, through: peers) {
                lines.say(.sum(word), stamp: stamp)
            }
        case .notFinite(let lease, let round, let outcome, let epoch):
            guard bench.isCurrent(epoch) else { return }
            delivery.giveUp(outcome.slot, round: round, through: peers)
            try happen(.notFinite(lease: lease, round: round, outcome), at: now)
        case .painted(let number, let file): try happen(.painted(number: number, file), at: now)
        case .notPainted(let number, let reason):
            try happen(.notPainted(number: number, reason: reason), at: now)
        case .wanted(let number, let request):
            var header = Header(.contentRequest, stamp)
            header.round = number
            try? lines.bulk?.socket.send(parcel(header, request.bytes))
        case .computed(let lease, let epoch):
            if bench.isCurrent(epoch) { delivery.finished(lease) }
        }
    }

    private func readControl(at now: Duration) throws {
        while let line = lines.control {
            do {
                guard let frames = try line.socket.receive(maximumFrames: 2) else { return }
                let (header, payload) = try openHeader(frames[...])
                guard header.kind == .control else { continue }
                let message = try open(
                    CoordinatorMessage.self, header, payload, limit: Control.coordinatorLimit)
                try happen(.heard(message, stamp: header.stamp), at: now)
            } catch WireError.protocolVersion(let theirs, let ours) {
                let refusal = Refusal(
                    field: "protocol version", yours: "\(ours)", mine: "\(theirs)",
                    fix: "install the same Danlu on both")
                try happen(.heard(.refused(refusal), stamp: stamp), at: now)
            } catch is WireError {
                continue
            }
        }
    }

    private func readBulk() throws {
        while let line = lines.bulk {
            do {
                guard let frames = try line.socket.receive(maximumFrames: 2) else { return }
                let (header, payload) = try openHeader(frames[...])
                guard header.stamp == stamp else { continue }
                switch header.kind {
                case .credit: delivery.receiveCredit(header.chunkCount)
                case .weights, .share, .foreseen:
                    giveCredit(for: header, to: line.socket)
                    try takeWeights(header, payload, isOwnShare: header.kind != .weights)
                case .content:
                    let limit = max(chunkBytes, ContentRequest.reasonLimit)
                    try payload.withUnsafeBytes { bytes throws(WireError) in
                        try header.check(payload: bytes, limit: limit)
                    }
                    contents?.events.put(.piece(header, payload.bytes))
                case .control, .hello, .gradient, .segment, .reduced, .contentRequest, .operation: continue
                }
            } catch is WireError {
                continue
            }
        }
    }

    private func giveCredit(for header: Header, to socket: borrowing Socket) {
        owedCredit += 1
        let isLast = header.chunk + 1 == header.chunkCount || header.chunk + 1 == header.part.upperBound
        guard isLast || owedCredit >= max(1, creditChunks / 4) else { return }
        try? socket.send(permission(owedCredit, stamp: stamp))
        owedCredit = 0
    }

    /// Weights came, from the coordinator or from another worker.
    private func takeWeights(_ header: Header, _ payload: Frame, isOwnShare: Bool) throws {
        if let whole = try intake.take(header, payload, isOwnShare: isOwnShare) { use(whole) }
    }

    private func use(_ weights: Assembly) {
        let delivery = weights.subject.round
        guard worker.accepts(delivery: delivery) else { return }
        let holding = Status.Holding(delivery: delivery, checksum: weights.checksum)
        bench.jobs.put(.use(weights.floats, step: Int(clamping: weights.subject.step), holding))
    }
}
