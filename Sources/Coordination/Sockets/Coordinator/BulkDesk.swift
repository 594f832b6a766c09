import ContentStore
import Recipe
import Wire
import ZeroMQ

/// The coordinator's bulk socket: chunks of weights out, chunks of gradients in.
final class BulkDesk {
    /// What a message amounted to.
    enum Arrival {
        case nothing
        case opened(Stamp)
        /// All chunks of a sum are in; ``takeSum(of:)`` has it.
        case sum(SlotSum, norm: Double, Stamp)
        /// A chunk of a sum over these slots is not what was sent.
        case damagedSum(Range<Int>, round: UInt32, Stamp)
        /// All shards of a round's sum are in; ``takeReduced()`` has it.
        case reduced(round: UInt32, norms: [Double], own: [Double]?)
    }

    private struct Channel {
        let routingID: [UInt8]
        let stamp: Stamp
        var outflow: Outflow
        var assembly: Assembly?
        /// Chunks taken that the worker has not been given credit for.
        var owedCredit = 0
    }

    let socket: Socket
    let port: UInt16
    /// Whether fp32 numbers go in fewer bytes.
    var isPacking = false {
        didSet { for id in channels.keys { channels[id]?.outflow.isPacking = isPacking } }
    }
    private(set) var dropped = Coordinator.Dropped()
    private let gate: Gate
    private let parameterCount: Int
    private let chunkBytes: Int
    private let creditChunks: Int
    private let format: GradientFormat
    private var contents: ContentDesk
    private var channels: [WorkerID: Channel] = [:]
    private var complete: [WorkerID: FlatFloats] = [:]
    private var reduced: ReducedSum

    init(
        _ address: Address, behind gate: Gate, in context: Context, parameterCount: Int, chunkBytes: Int,
        creditChunks: Int, format: GradientFormat, contents: ContentShelf
    ) throws {
        self.gate = gate
        self.parameterCount = parameterCount
        self.chunkBytes = chunkBytes
        self.creditChunks = creditChunks
        self.format = format
        reduced = ReducedSum(parameterCount: parameterCount, chunkBytes: chunkBytes, format: format)
        self.contents = ContentDesk(contents, chunkBytes: chunkBytes, creditChunks: creditChunks)
        socket = try Socket(.router, in: context)
        try setManners(
            of: socket, limit: max(chunkBytes, Control.workerLimit) + 1024, highWaterMark: 2 * creditChunks + 8)
        try socket.set(.routerMandatory, to: true)
        try gate.secure(socket, at: address)
        try socket.bind("\(address)")
        port = try Address(socket.endpoint).port
    }

    // MARK: - Out

    /// Sends weights to a worker, in place of whatever weights are still on their way there.
    ///
    /// - Parameter asUpdate: whether the change is enough, which ``OutgoingWeights/update`` must then have.
    func send(_ weights: OutgoingWeights, step: Int, delivery: UInt32, asUpdate: Bool, to stamp: Stamp) {
        let header = header(.weights, stamp, step: step, delivery: delivery)
        replaceWeights(parcel(of: weights, asUpdate: asUpdate, header))
    }

    /// Sends each shard of the weights to its owner.
    func scatter(
        _ weights: OutgoingWeights, step: Int, delivery: UInt32, asUpdate: Bool,
        to owners: [(stamp: Stamp, chunks: Range<UInt32>)]
    ) {
        for (stamp, chunks) in owners {
            let header = header(.share, stamp, step: step, delivery: delivery, part: chunks)
            var parcel = parcel(of: weights, asUpdate: asUpdate, header)
            parcel.part = Outflow.Parcel.Part(chunks: chunks, count: parameterCount, start: 0)
            replaceWeights(parcel)
        }
    }

    /// Sends each shard of what is foreseen to its owner, as far as it is known.
    ///
    /// - Parameter earlier: the weights before, where they can be told as a change of these.
    func foresee(
        _ weights: ForeseenWeights, since earlier: FlatFloats?, to owners: [(stamp: Stamp, chunks: Range<UInt32>)]
    ) {
        let packed = PackedChunks(since: earlier)
        for (stamp, chunks) in owners {
            let header = header(.foreseen, stamp, step: weights.step, delivery: weights.delivery, part: chunks)
            // Behind what is left of the weights that this step is done with, which may have been foreseen, too.
            channels[stamp.worker]?.outflow.put(
                Outflow.Parcel(
                    header: header, floats: weights.floats, checksums: weights.checksums, ending: nil,
                    part: Outflow.Parcel.Part(chunks: chunks, count: parameterCount, start: 0, ready: []),
                    packed: packed))
        }
    }

    private func header(
        _ kind: Header.Kind, _ stamp: Stamp, step: Int, delivery: UInt32, part: Range<UInt32> = 0..<0
    ) -> Header {
        var header = Header(kind, stamp)
        header.step = UInt64(step)
        header.round = delivery
        header.part = part
        return header
    }

    private func parcel(of weights: OutgoingWeights, asUpdate: Bool, _ header: Header) -> Outflow.Parcel {
        let update = asUpdate ? weights.update : nil
        return Outflow.Parcel(
            header: header, floats: weights.floats, checksums: update?.checksums ?? weights.checksums, ending: nil,
            encoded: update?.encoded, packed: weights.packed)
    }

    private func replaceWeights(_ parcel: Outflow.Parcel) {
        let worker = parcel.header.stamp.worker
        channels[worker]?.outflow.drop { $0.kind.isOfWeights }
        channels[worker]?.outflow.put(parcel)
    }

    /// Sends on what has come to be known since.
    func release(_ weights: ForeseenWeights) {
        for id in channels.keys {
            channels[id]?.outflow.release(weights.ready, checksums: weights.checksums) { $0.round == weights.delivery }
        }
    }

    /// Sends no more of what was foreseen.
    func dropForeseen() {
        for id in channels.keys { channels[id]?.outflow.drop { $0.kind == .foreseen } }
    }

    /// Sends what the workers have given credit for.
    ///
    /// - Returns: workers whose connection is gone.
    func pump() throws -> [WorkerID] {
        var gone: [WorkerID] = []
        for (id, channel) in channels {
            do {
                try channels[id]?.outflow.pump { frames throws(ZeroMQError) in
                    try socket.send([Frame(channel.routingID)] + frames)
                }
            } catch ZeroMQError.peerUnreachable {
                gone.append(id)
            }
        }
        let isSlowed = channels.values.contains { $0.outflow.isSending }
        gone += try contents.pump(isSlowed: isSlowed) { frames throws(ZeroMQError) in try socket.send(frames) }
        return Set(gone).sorted()
    }

    /// How long the coordinator may listen before ``pump()`` has something to do.
    var patience: Duration { contents.isBusy ? .milliseconds(5) : .milliseconds(100) }

    /// Hands out these bytes too, from now on, until ``withdraw(_:)``.
    func offer(_ bytes: [UInt8]) -> Content { contents.offer(bytes) }

    func withdraw(_ content: Content) { contents.withdraw(content) }

    func forget(_ id: WorkerID) {
        channels[id] = nil
        complete[id] = nil
        contents.forget(id)
        gate.forget(id)
    }

    // MARK: - In

    /// Reads one message; nil when there is none.
    ///
    /// - Parameter sender: the name of the worker of a current stamp.
    func receive(round: Round, sender: (Stamp) -> String?) throws -> Arrival? {
        do {
            guard let frames = try socket.receive(maximumFrames: 3) else { return nil }
            let routingID = frames[0].bytes
            let (header, payload) = try openHeader(frames.dropFirst())
            guard let sender = sender(header.stamp) else {
                dropped.stale += 1
                return .nothing
            }
            guard gate.refusal(of: payload, as: sender) == nil else {
                dropped.foreign += 1
                return .nothing
            }
            gate.vouch(for: payload, as: .worker(header.stamp.worker))
            if header.kind == .hello { return open(routingID, header.stamp) }
            guard let channel = channels[header.stamp.worker], channel.stamp == header.stamp,
                channel.routingID == routingID
            else {
                dropped.stale += 1
                return .nothing
            }
            switch header.kind {
            case .gradient:
                do {
                    try take(header, payload, round: round)
                } catch WireError.payloadChecksum {
                    dropped.corrupt += 1
                    let slots = Int(header.slots.lowerBound)..<Int(header.slots.upperBound)
                    return .damagedSum(slots, round: header.round, header.stamp)
                }
            case .reduced: return try takeReduced(header, payload, round: round)
            case .credit: channels[header.stamp.worker]?.outflow.receiveCredit(header.chunkCount)
            case .control: return try takeEnding(header, payload)
            case .contentRequest: try contents.take(header, payload, from: routingID)
            case .segment: return try takeSegment(header, payload, round: round)
            case .hello, .weights, .share, .foreseen, .content, .operation:
                throw WireError.unknownKind(header.kind.rawValue)
            }
        } catch WireError.payloadChecksum, WireError.headerChecksum {
            dropped.corrupt += 1
        } catch is WireError {
            dropped.malformed += 1
        } catch ZeroMQError.tooManyFrames {
            dropped.malformed += 1
        }
        return .nothing
    }

    /// The sum that ``Arrival/sum(_:norm:_:)`` told of.
    func takeSum(of id: WorkerID) -> FlatFloats? { complete.removeValue(forKey: id) }

    /// The sum that ``Arrival/reduced(round:norms:own:)`` told of.
    func takeReduced() -> FlatFloats? {
        defer { dropReduced() }
        return reduced.floats
    }

    /// The step's sum, and which of its chunks have come from the owners of shards since the last look.
    func takeFresh() -> (sum: FlatFloats, chunks: [UInt32])? {
        let chunks = reduced.takeFresh()
        return chunks.isEmpty ? nil : reduced.floats.map { ($0, chunks) }
    }

    /// Lets go of what has come of a sum that is no longer wanted.
    func dropReduced() {
        reduced = ReducedSum(parameterCount: parameterCount, chunkBytes: chunkBytes, format: format)
    }

    /// Adds up the shard whose owner is gone from these sums, as soon as their parts of it are here.
    ///
    /// - Returns: word of the whole sum, if that is complete now.
    func reduce(_ reduction: Reduction, round: Round) throws -> Arrival {
        try reduced.reduce(reduction, in: round)
        return arrival(in: round)
    }

    private func takeSegment(_ header: Header, _ payload: Frame, round: Round) throws -> Arrival {
        grantCredit(header.stamp, isLast: header.chunk + 1 == header.part.upperBound)
        guard reduced.wantsSegment(header, in: round) else {
            dropped.stale += 1
            return .nothing
        }
        try payload.withUnsafeBytes { bytes throws(WireError) in
            try reduced.takeSegment(header, bytes, in: round)
        }
        return arrival(in: round)
    }

    private func takeReduced(_ header: Header, _ payload: Frame, round: Round) throws -> Arrival {
        // Chunks come in any order; all credit goes back with the last of a shard, and with those that nobody wants.
        var isLast = true
        defer { grantCredit(header.stamp, isLast: isLast) }
        guard reduced.wants(header, in: round) else {
            dropped.stale += 1
            return .nothing
        }
        try payload.withUnsafeBytes { bytes throws(WireError) in try reduced.take(header, bytes) }
        isLast = header.part.allSatisfy { reduced.has($0) }
        return arrival(in: round)
    }

    /// Word of the whole sum, once all shards of it are here.
    private func arrival(in round: Round) -> Arrival {
        reduced.lengths(in: round).map { .reduced(round: round.number, norms: $0.norms, own: $0.own) } ?? .nothing
    }

    private func grantCredit(_ stamp: Stamp, isLast: Bool) {
        guard var channel = channels[stamp.worker] else { return }
        channel.owedCredit += 1
        if isLast || channel.owedCredit >= max(1, creditChunks / 4) {
            try? socket.send([Frame(channel.routingID)] + permission(channel.owedCredit, stamp: stamp))
            channel.owedCredit = 0
        }
        channels[stamp.worker]?.owedCredit = channel.owedCredit
    }

    private func open(_ routingID: [UInt8], _ stamp: Stamp) -> Arrival {
        contents.forget(stamp.worker)
        channels[stamp.worker] = Channel(
            routingID: routingID, stamp: stamp,
            outflow: Outflow(chunkBytes: chunkBytes, creditChunks: creditChunks, isPacking: isPacking))
        return .opened(stamp)
    }

    private func take(_ header: Header, _ payload: Frame, round: Round) throws {
        let id = header.stamp.worker
        guard var channel = channels.removeValue(forKey: id) else { return }
        defer { channels[id] = channel }
        // A chunk that is not wanted has been taken all the same, and its sender needs the credit.
        channel.owedCredit += 1
        let isLast = header.chunk + 1 == header.chunkCount
        if isLast || channel.owedCredit >= max(1, creditChunks / 4) {
            let owed = channel.owedCredit
            channel.owedCredit = 0
            try? socket.send([Frame(channel.routingID)] + permission(owed, stamp: header.stamp))
        }
        let slots = Int(header.slots.lowerBound)..<Int(header.slots.upperBound)
        guard header.round == round.number, round.tree.isNode(slots) else {
            dropped.stale += 1
            return
        }
        let subject = Assembly.Subject(header)
        if channel.assembly?.subject != subject {
            channel.assembly = Assembly(
                subject, count: parameterCount, chunkBytes: chunkBytes, format: format, isMeasured: true)
        }
        try payload.withUnsafeBytes { bytes throws(WireError) in try channel.assembly?.take(header, bytes) }
    }

    private func takeEnding(_ header: Header, _ payload: Frame) throws -> Arrival {
        let id = header.stamp.worker
        guard
            case .sum(let sum) = try Coordination.open(
                WorkerMessage.self, header, payload, limit: Control.workerLimit)
        else { throw WireError.unknownKind(header.kind.rawValue) }
        let assembly = channels[id]?.assembly
        channels[id]?.assembly = nil
        guard let assembly, assembly.isComplete, assembly.subject.round == sum.round,
            sum.first == Int(assembly.subject.slots.lowerBound), sum.end == Int(assembly.subject.slots.upperBound)
        else {
            dropped.stale += 1
            return .nothing
        }
        complete[id] = assembly.floats
        return .sum(sum, norm: assembly.norm, header.stamp)
    }
}
