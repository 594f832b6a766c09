import Foundation
import Recipe
import Synchronization
import Wire
import ZeroMQ

/// The talking thread of a worker: owns its sockets, and does what ``Worker`` decides.
final class WorkerLink {
    /// A socket that can be let go of and replaced.
    private final class Line {
        let socket: Socket
        let monitor: SocketMonitor
        let address: Address

        init(_ kind: SocketKind, to address: Address, in context: Context) throws(ZeroMQError) {
            self.address = address
            socket = try Socket(kind, in: context)
            monitor = try SocketMonitor(of: socket, in: context)
        }
    }

    private let configuration: WorkerService.Configuration
    private let bench: Workbench
    private let commands: Mailbox<WorkerService.Command>
    private let observe: @Sendable (String) -> Void
    private let context: Context
    private var clock = ListeningClock()
    private var worker: Worker
    private var end: Worker.End?

    /// By port: control's and bulk's.
    private var approaches: [UInt16: Approach] = [:]
    private let findings: Mailbox<(UInt16, Reach)>
    private var control: Line?
    private var bulk: Line?
    private var stamp = Stamp.stranger
    private var parameterCount = 0
    private var chunkBytes = 1
    private var creditChunks = 1
    private var outflow = Outflow(chunkBytes: 1, creditChunks: 1)
    private var intake = WeightsIntake(parameterCount: 0, chunkBytes: 1)
    private let peers: PeerDesk
    private var sums = KeptSums()
    private var rounding = GradientRounding(.fp32, count: 0)
    private var isReducing: UInt32?
    private var owedCredit = 0
    private var computed: [UInt64] = []
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
        context = try Context()
        findings = try Mailbox()
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
            var interests = [Interest(commands), Interest(bench.reports), Interest(findings)]
            if let control { interests += [Interest(control.socket), control.monitor.interest] }
            if let bulk { interests += [Interest(bulk.socket), bulk.monitor.interest] }
            interests += peers.interests
            _ = try poll(interests, timeout: .milliseconds(100))
            let now = clock.advance()
            for command in commands.takeAll() { try obey(command, at: now) }
            try lookAtProgress(at: now)
            for report in bench.reports.takeAll() { try heed(report, at: now) }
            try listen(at: now)
            try readControl(at: now)
            try readBulk()
            try peers.read { header, payload in try takeWeights(header, payload, isOwnShare: false) }
            try happen(.reached(peers.reached), at: now)
            intake.relay(through: peers)
            reduce()
            for sentence in try peers.pump(at: now) { observe(sentence) }
            try pump(at: now)
            try happen(.tick, at: now)
        }
    }

    private func obey(_ command: WorkerService.Command, at now: Duration) throws {
        switch command {
        case .stop: try happen(.stop, at: now)
        case .leave:
            // In this order: what the learner begins after this it gives up itself.
            bench.isLastSlot.store(true, ordering: .sequentiallyConsistent)
            try lookAtProgress(at: now)
            for report in bench.reports.takeAll() { try heed(report, at: now) }
            try happen(.leave(computed: computed), at: now)
        }
    }

    private func lookAtProgress(at now: Duration) throws {
        let slot = bench.slot.load(ordering: .sequentiallyConsistent)
        try happen(.progressed(bench.progress.load(ordering: .relaxed), slot: slot < 0 ? nil : slot), at: now)
    }

    private func happen(_ event: Worker.Event, at now: Duration) throws {
        guard end == nil else { return }
        for effect in worker.handle(event, at: now) { try perform(effect) }
    }

    private func perform(_ effect: Worker.Effect) throws {
        switch effect {
        case .connect: try connect()
        case .send(let message, let stamp): try? control?.socket.send(letter(message, stamp: stamp))
        case .openBulk(let welcome, let stamp): try openBulk(welcome, stamp)
        case .make(let welcome): bench.jobs.put(.make(welcome, try newContents()))
        case .meet(let others): try peers.meet(others)
        case .reduce(let reduction): peers.reduce(reduction)
        case .passOn(let delivery, let others): intake.passOn(delivery, to: others)
        case .resend(let round): resend(round)
        case .compute(let lease):
            sums.heed(lease)
            bench.jobs.put(.compute(lease, epoch: bench.epoch.load(ordering: .acquiring)))
        case .finishSlot: bench.isLastSlot.store(true, ordering: .sequentiallyConsistent)
        case .abandon(let round):
            bench.giveUp()
            computed = []
            sums.abandon(before: round)
            peers.abandon(before: round)
            outflow.drop { header in round.map { header.round < $0 } ?? true }
        case .note(let sentence): observe(sentence)
        case .finished(let end): self.end = end
        }
    }

    private func connect() throws {
        control = nil
        bulk = nil
        let line = try Line(.dealer, to: configuration.address, in: context)
        try setManners(of: line.socket, limit: Control.coordinatorLimit + 1024, highWaterMark: 1_000)
        try connect(line)
        control = line
    }

    private func connect(_ line: Line) throws(ZeroMQError) {
        if let key = configuration.key { try key.secure(line.socket) }
        try allowIPv6(line.socket, towards: line.address)
        let port = line.address.port
        if approaches[port] == nil {
            approaches = approaches.filter { $0.key == configuration.address.port }
            approaches[port] = Approach(to: line.address, keyName: configuration.key?.name)
        }
        try line.socket.connect("\(line.address)")
    }

    /// Says which hop to the coordinator fails, if one does.
    private func listen(at now: Duration) throws {
        for (port, reach) in findings.takeAll() { follow(approaches[port]?.reached(reach, at: now), port) }
        for line in [control, bulk] {
            while let line, let event = try line.monitor.next() {
                follow(approaches[line.address.port]?.heard(event, at: now), line.address.port)
            }
        }
    }

    private func follow(_ step: Approach.Step?, _ port: UInt16) {
        switch step {
        case .nothing, nil: break
        case .say(let sentence): observe(sentence + "; trying again")
        case .look:
            let (address, findings) = (Address(host: configuration.address.host, port: port), findings)
            Thread.detachNewThread { findings.put((port, Reach.of(address))) }
        }
    }

    private func openBulk(_ welcome: Welcome, _ stamp: Stamp) throws {
        self.stamp = stamp
        parameterCount = welcome.parameterCount
        chunkBytes = max(1, welcome.chunkBytes)
        creditChunks = max(1, welcome.creditChunks)
        outflow = Outflow(chunkBytes: chunkBytes, creditChunks: creditChunks)
        owedCredit = 0
        intake = WeightsIntake(parameterCount: parameterCount, chunkBytes: chunkBytes)
        sums = KeptSums()
        rounding = GradientRounding(welcome.gradientFormat, count: parameterCount)
        isReducing = nil
        peers.begin(welcome, stamp)
        let address = Address(host: configuration.address.host, port: welcome.bulkPort)
        let line = try Line(.dealer, to: address, in: context)
        try setManners(of: line.socket, limit: chunkBytes + 1024, highWaterMark: 4 * creditChunks + 64)
        try connect(line)
        try line.socket.send(postcard(Header(.hello, stamp)))
        bulk = line
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

    private func heed(_ report: Workbench.Report, at now: Duration) throws {
        switch report {
        case .made(let shape): try happen(.made(shape), at: now)
        case .took(let holding): try happen(.took(holding), at: now)
        case .failed(let reason): try happen(.failed(reason: reason), at: now)
        case .sum(let sum, let floats, let step, let epoch):
            guard bench.isCurrent(epoch) else { return }
            rounding.begin(step: step, round: sum.round, lossScale: sum.lossScale)
            rounding.round(floats, chunkBytes: chunkBytes)
            sums.keep(sum, floats, step: step)
            guard let shards = sums.shards(of: sum.round) else { return send(sum, floats, step: step) }
            peers.send(floats, sum, step: step, to: shards)
            var word = sum
            word.norm = floats.norm
            try? control?.socket.send(letter(WorkerMessage.sum(word), stamp: stamp))
        case .notFinite(let lease, let round, let outcome, let epoch):
            if bench.isCurrent(epoch) { try happen(.notFinite(lease: lease, round: round, outcome), at: now) }
        case .wanted(let number, let request):
            var header = Header(.contentRequest, stamp)
            header.round = number
            try? bulk?.socket.send(parcel(header, request.bytes))
        case .computed(let lease, let epoch):
            guard bench.isCurrent(epoch) else { return }
            computed.append(lease)
            sums.computed(lease)
        }
    }

    /// Sends a whole sum to the coordinator.
    private func send(_ sum: SlotSum, _ floats: FlatFloats, step: Int) {
        guard let slots = sum.slots else { return }
        var header = Header(.gradient, stamp)
        header.step = UInt64(step)
        header.round = sum.round
        header.slots = UInt32(slots.lowerBound)..<UInt32(slots.upperBound)
        outflow.put(
            Outflow.Parcel(header: header, floats: floats, ending: WorkerMessage.sum(sum), format: rounding.format))
    }

    /// The workers' part in this round is over: all sums go to the coordinator.
    private func resend(_ round: UInt32) {
        peers.abandon(before: round + 1)
        peers.forgetRounding()
        outflow.drop { $0.kind == .reduced }
        isReducing = nil
        for kept in sums.fallBack(round) { send(kept.sum, kept.floats, step: kept.step) }
        computed = sums.leases
    }

    /// Sends the coordinator as much of this worker's shard of the step's sum as is there.
    private func reduce() {
        guard let (floats, part, reduction) = peers.advance() else { return }
        if isReducing == reduction.round {
            outflow.release(part.ready ?? 0) { $0.kind == .reduced }
            return
        }
        isReducing = reduction.round
        var header = Header(.reduced, stamp)
        header.step = UInt64(reduction.step)
        header.round = reduction.round
        header.slots = 0..<UInt32(reduction.slotCount)
        header.part = part.chunks
        outflow.put(
            Outflow.Parcel(header: header, floats: floats, ending: nil, part: part, format: rounding.format))
    }

    private func readControl(at now: Duration) throws {
        while let line = control {
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
        while let line = bulk {
            do {
                guard let frames = try line.socket.receive(maximumFrames: 2) else { return }
                let (header, payload) = try openHeader(frames[...])
                guard header.stamp == stamp else { continue }
                switch header.kind {
                case .credit: outflow.receiveCredit(header.chunkCount)
                case .weights, .share: try take(header, payload, from: line)
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

    private func take(_ header: Header, _ payload: Frame, from line: Line) throws {
        owedCredit += 1
        if header.chunk + 1 == header.chunkCount || header.chunk + 1 == header.part.upperBound
            || owedCredit >= max(1, creditChunks / 4)
        {
            try? line.socket.send(permission(owedCredit, stamp: stamp))
            owedCredit = 0
        }
        try takeWeights(header, payload, isOwnShare: header.kind == .share)
    }

    /// Weights came, from the coordinator or from another worker.
    private func takeWeights(_ header: Header, _ payload: Frame, isOwnShare: Bool) throws {
        guard let whole = try intake.take(header, payload, isOwnShare: isOwnShare) else { return }
        guard worker.accepts(delivery: header.round) else { return }
        let holding = Status.Holding(delivery: header.round, checksum: whole.floats.checksum)
        bench.jobs.put(.use(whole.floats, step: Int(clamping: header.step), holding))
    }

    private func pump(at now: Duration) throws {
        guard let bulk else { return }
        do {
            try outflow.pump { frames throws(ZeroMQError) in try bulk.socket.send(frames) }
        } catch ZeroMQError.peerUnreachable {
            return
        }
        guard outflow.isIdle, peers.isIdle else { return }
        for lease in computed { try happen(.delivered(lease: lease), at: now) }
        computed = []
    }
}
