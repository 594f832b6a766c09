import Recipe
import Wire
import ZeroMQ

/// A worker's dealings with the other workers: its data port, and its lines to theirs.
///
/// Chunks of sums and of weights go to the port of whom they are for, on one connection, on which what is waited for goes
/// first. Who has no port, or none that can be reached, gets weights over the line that it has made. All goes as fast as the
/// other end gives credit.
final class PeerDesk {
    /// Somebody who has found this worker's port.
    private struct Visitor {
        let routingID: [UInt8]
        let stamp: Stamp
        var outflow: Outflow
        var owedCredit = 0
    }

    /// What a chunk of weights belongs to is for the worker's link to say.
    typealias Weights = (Header, Frame) throws -> Void

    private let context: Context
    private let door: PeerDoor?
    private let port: Socket
    /// Where others reach this worker; nil where they cannot.
    let address: String?
    private var own = Stamp.stranger
    private var chunkBytes = 1
    private var creditChunks = 1
    private var parameterCount = 0
    private var known: [UInt32: PeerAddress] = [:]
    private var lines: [UInt32: PeerLine] = [:]
    private var visitors: [UInt32: Visitor] = [:]
    private var sum: ShardSum?
    private var reduction: Reduction?
    private var format = GradientFormat.fp32
    /// Whether fp32 numbers go in fewer bytes.
    var isPacking = false {
        didSet {
            for line in lines.values { line.outflow.isPacking = isPacking }
            for number in visitors.keys { visitors[number]?.outflow.isPacking = isPacking }
        }
    }
    private var rounding = ShardRounding(.fp32, chunkBytes: 1)
    /// Sums of one worker that are held at a time: no lease is more subtrees than this.
    private let heldSums = 128

    /// - Parameters:
    ///   - endpoint: the data port's `tcp://HOST:PORT`; nil where this worker has none.
    ///   - isProtected: whether connections between workers are encrypted, and only those are let in for whom the
    ///     coordinator vouches.
    init(_ endpoint: Address?, isProtected: Bool, in context: Context) throws {
        self.context = context
        door = isProtected ? try PeerDoor(in: context) : nil
        port = try Socket(.router, in: context)
        if let endpoint {
            // A chunk's size is known only with the welcome, and a bound socket's limit stays as it was.
            try setManners(of: port, limit: PeerDesk.longestChunk + 1024, highWaterMark: 200)
            try port.set(.routerMandatory, to: true)
            try door?.secure(port)
            try allowIPv6(port, towards: endpoint)
            try port.bind("\(endpoint)")
            address = "\(try Address(host: endpoint.host, port: Address(port.endpoint).port))"
        } else {
            address = nil
        }
    }

    /// What the others are to know this worker by; nil where nothing is encrypted.
    var publicKey: String? { door?.publicKey }

    /// The longest chunk that this version sends.
    static let longestChunk = 16 << 20

    var interests: [Interest] {
        (address == nil ? [] : [Interest(port)]) + lines.values.map { Interest($0.socket) }
    }

    /// Begins a new life in a run.
    func begin(_ welcome: Welcome, _ stamp: Stamp) {
        own = stamp
        chunkBytes = max(1, welcome.chunkBytes)
        creditChunks = max(1, welcome.creditChunks)
        parameterCount = welcome.parameterCount
        format = welcome.gradientFormat
        isPacking = false
        rounding = ShardRounding(format, chunkBytes: chunkBytes)
        known = [:]
        door?.admit([])
        lines = [:]
        visitors = [:]
        sum = nil
        reduction = nil
    }

    /// Numbers of those whose port has answered.
    var reached: [UInt32] { lines.filter(\.value.hasAnswered).map(\.key).sorted() }

    /// Whether all sums that were sent have been taken.
    var hasDeliveredSums: Bool { lines.values.allSatisfy(\.outflow.hasDeliveredSums) }

    /// Connects to those who are new, and forgets those who are gone.
    func meet(_ peers: [PeerAddress]) throws {
        known = Dictionary(peers.map { ($0.worker, $0) }, uniquingKeysWith: { first, _ in first })
        known[own.worker.number] = nil
        door?.admit(known.values)
        lines = lines.filter { known[$0.key]?.incarnation == $0.value.stamp.incarnation }
        visitors = visitors.filter { known[$0.key]?.incarnation == $0.value.stamp.incarnation }
        for peer in known.values where lines[peer.worker] == nil { connect(to: peer, patience: .milliseconds(250)) }
    }

    private func connect(to peer: PeerAddress, patience: Duration) {
        guard let address = peer.address, (peer.key != nil) == (door != nil) else { return }
        // An address or a key that is none reaches nobody, which the coordinator sees.
        lines[peer.worker] = try? PeerLine(
            to: peer, at: address,
            stamp: Stamp(run: own.run, incarnation: peer.incarnation, worker: WorkerID(peer.worker)),
            chunkBytes: chunkBytes, credit: creditChunks, isPacking: isPacking, through: door, patience: patience,
            in: context)
    }

    /// libzmq does not knock again where it was turned away, and whoever comes before the coordinator has vouched for
    /// it is: so lines that are not answered are made anew.
    private func knockAgain(at now: Duration) {
        guard door != nil else { return }
        for (number, line) in lines where !line.hasAnswered {
            guard let again = line.again else {
                line.again = now + line.patience
                continue
            }
            guard now >= again, let peer = known[number] else { continue }
            connect(to: peer, patience: min(line.patience * 2, .seconds(8)))
        }
    }

    // MARK: - Sums

    /// Sends chunks of a sum to those who add them up.
    ///
    /// - Parameters:
    ///   - slots: what it is the sum over.
    ///   - done: chunks of which this is told for the first time, in the order in which they are to go.
    func send(
        _ floats: FlatFloats, over slots: Range<Int>, round: UInt32, step: Int, done: [UInt32], to shards: [Shard]
    ) {
        for shard in shards {
            guard let chunks = shard.chunks else { continue }
            let ready = done.filter(chunks.contains)
            guard !ready.isEmpty else { continue }
            if shard.owner == own.worker.number {
                expect(chunks, round: round)
                sum?.take(own: floats, of: ShardSum.Term(worker: own.worker.number, slots: slots), chunks: ready)
                continue
            }
            var header = Header(.segment, own)
            header.step = UInt64(step)
            header.round = round
            header.slots = UInt32(slots.lowerBound)..<UInt32(slots.upperBound)
            header.part = chunks
            lines[shard.owner]?.outflow.send(
                Outflow.Parcel(
                    header: header, floats: floats, ending: nil,
                    part: Outflow.Parcel.Part(
                        chunks: chunks, count: parameterCount, start: 0, ready: ready),
                    format: format))
        }
    }

    /// Sends no more of a sum that will not be finished.
    func giveUp(_ slots: Range<Int>, round: UInt32) {
        for line in lines.values {
            line.outflow.drop { $0.kind == .segment && $0.round == round && $0.covers(slots) }
        }
    }

    /// Gets ready to add up a shard in this round.
    private func expect(_ chunks: Range<UInt32>, round: UInt32) {
        guard sum?.round != round || sum?.chunks != chunks else { return }
        sum = ShardSum(chunks, round: round, count: parameterCount, chunkBytes: chunkBytes, format: format)
    }

    func reduce(_ reduction: Reduction) { self.reduction = reduction }

    /// The shard of the sum as far as it is there.
    func advance() -> (floats: FlatFloats, part: Outflow.Parcel.Part, reduction: Reduction)? {
        guard let sum, let reduction, reduction.round == sum.round else { return nil }
        sum.begin(reduction)
        guard let (floats, start) = sum.advance() else { return nil }
        let first = chunkRange(Int(sum.chunks.lowerBound), of: parameterCount * 4, in: chunkBytes).lowerBound / 4
        if format == .fp32 {
            let part = Outflow.Parcel.Part(
                chunks: sum.chunks, count: parameterCount, start: first - start, ready: sum.ready)
            return (floats, part, reduction)
        }
        let end = chunkRange(Int(sum.chunks.upperBound) - 1, of: parameterCount * 4, in: chunkBytes).upperBound / 4
        let shard = UnsafeMutableBufferPointer(rebasing: floats.elements[start..<start + end - first])
        let rounded = rounding.round(UnsafeBufferPointer(shard), sum.ready, of: sum.chunks, in: reduction)
        let part = Outflow.Parcel.Part(chunks: sum.chunks, count: parameterCount, start: first, ready: sum.ready)
        return (rounded, part, reduction)
    }

    /// What this worker has found in its shard of the step's sums, once all of them are there.
    func measurement() -> Measurement? {
        guard let sum, sum.round == reduction?.round else { return nil }
        return sum.measurement()
    }

    /// What this worker has added up is not wanted, and neither is what rounding it has left.
    func forgetRounding() { rounding.forget() }

    /// Lets go of sums of earlier rounds, or of all.
    func abandon(before round: UInt32?) {
        if let sum, round.map({ sum.round < $0 }) ?? true { self.sum = nil }
        if let reduction, round.map({ reduction.round < $0 }) ?? true { self.reduction = nil }
        for line in lines.values {
            line.outflow.drop { header in header.kind == .segment && (round.map { header.round < $0 } ?? true) }
        }
    }

    // MARK: - Weights

    /// Passes on a shard of the weights to these workers, as far as it is there.
    ///
    /// - Parameters:
    ///   - written: the chunks as they came, where they are an update of weights.
    ///   - earlier: the weights before, where these may be told as a change of them.
    ///   - checksums: of the chunks that are there; what was checked when it came is not looked at again.
    ///   - ready: the chunks that are there.
    ///   - decided: the delivery of what the step is done with, behind which that waits that is foreseen.
    func passOn(
        _ header: Header, _ weights: Assembly, _ written: EncodedFloats?, since earlier: FlatFloats?,
        _ checksums: ChunkChecksums,
        _ chunks: Range<UInt32>, ready: [UInt32], to others: [UInt32], behind decided: UInt32?
    ) {
        var header = header
        header.stamp = own
        header.part = chunks
        let isForeseen = header.kind == .foreseen
        let packed = PackedChunks(since: earlier)
        for other in others {
            withOutflow(to: other) { outflow in
                outflow.drop { isForeseen ? $0.kind == .foreseen && $0.round != decided : $0.kind.isOfWeights }
                outflow.put(
                    Outflow.Parcel(
                        header: header, floats: weights.floats, checksums: checksums, ending: nil,
                        part: Outflow.Parcel.Part(chunks: chunks, count: parameterCount, start: 0, ready: ready),
                        encoded: written, packed: packed))
            }
        }
    }

    func release(_ ready: [UInt32], _ checksums: ChunkChecksums, delivery: UInt32) {
        func isMeant(_ header: Header) -> Bool { header.kind.isOfWeights && header.round == delivery }
        for line in lines.values { line.outflow.release(ready, checksums: checksums, where: isMeant) }
        for id in visitors.keys { visitors[id]?.outflow.release(ready, checksums: checksums, where: isMeant) }
    }

    /// What goes to another worker: over the line to its port, or over the one that it has made.
    private func withOutflow(to number: UInt32, _ body: (inout Outflow) -> Void) {
        if let line = lines[number], line.hasAnswered {
            body(&line.outflow)
        } else if var visitor = visitors[number] {
            body(&visitor.outflow)
            visitors[number] = visitor
        }
    }

    // MARK: - The sockets

    /// Sends what there is credit for, and asks ports that have not answered.
    ///
    /// - Returns: what is to be said of strangers.
    func pump(at now: Duration) throws -> [String] {
        knockAgain(at: now)
        for line in lines.values {
            if line.asks(at: now) {
                try? line.socket.send(postcard(Header(.hello, own)))
            }
            guard line.hasAnswered else { continue }
            try line.outflow.pump { frames throws(ZeroMQError) in try line.socket.send(frames) }
        }
        for (id, visitor) in visitors {
            do {
                try visitors[id]?.outflow.pump { frames throws(ZeroMQError) in
                    try port.send([Frame(visitor.routingID)] + frames)
                }
            } catch ZeroMQError.peerUnreachable {
                visitors[id] = nil
            }
        }
        return door?.takeSentences(at: now) ?? []
    }

    /// Reads all that has come.
    func read(_ weights: Weights) throws {
        if address != nil { try readPort(weights) }
        for line in lines.values { try read(line, weights) }
    }

    private func readPort(_ weights: Weights) throws {
        for _ in 0..<256 {
            do {
                guard let frames = try port.receive(maximumFrames: 3) else { return }
                let routingID = frames[0].bytes
                let (header, payload) = try openHeader(frames.dropFirst())
                let number = header.stamp.worker.number
                guard header.stamp.run == own.run, let peer = known[number],
                    peer.incarnation == header.stamp.incarnation, door?.isSender(peer, of: payload) ?? true
                else { continue }
                if header.kind == .hello {
                    if visitors[number]?.routingID != routingID { open(routingID, header.stamp) }
                    try? port.send([Frame(routingID)] + postcard(Header(.hello, own)))
                    continue
                }
                // A connection that was cut and made anew has another name, and its queues begin anew.
                if visitors[number]?.routingID != routingID { open(routingID, header.stamp) }
                switch header.kind {
                case .credit: visitors[number]?.outflow.receiveCredit(header.chunkCount)
                case .segment: try take(header, payload)
                case .share, .foreseen:
                    owe(visitor: number, isEnd: header.chunk + 1 == header.part.upperBound)
                    try weights(header, payload)
                default: continue
                }
            } catch is WireError {
                continue
            } catch ZeroMQError.tooManyFrames {
                continue
            }
        }
    }

    private func open(_ routingID: [UInt8], _ stamp: Stamp) {
        visitors[stamp.worker.number] = Visitor(
            routingID: routingID, stamp: stamp,
            outflow: Outflow(chunkBytes: chunkBytes, creditChunks: creditChunks, isPacking: isPacking))
    }

    private func take(_ header: Header, _ payload: Frame) throws {
        // What is not wanted gives back all credit at once, and so does the end of what is.
        var isEnd = true
        defer { owe(visitor: header.stamp.worker.number, isEnd: isEnd) }
        // Others may be ahead of what the coordinator has said to this worker.
        if (sum?.round ?? 0) < header.round, !header.part.isEmpty, header.part.upperBound <= header.chunkCount,
            header.chunkCount == chunkCount(of: parameterCount * MemoryLayout<Float>.size, in: chunkBytes)
        {
            expect(header.part, round: header.round)
        }
        guard let sum, sum.round == header.round else { return }
        isEnd = try payload.withUnsafeBytes { bytes throws(WireError) in
            try sum.take(header, bytes, limit: heldSums)
        }
    }

    /// A chunk has been taken, for which the credit goes back with those of some others.
    private func owe(visitor number: UInt32, isEnd: Bool) {
        guard let visitor = visitors[number] else { return }
        let owed = visitor.owedCredit + 1
        let isDue = isEnd || owed >= max(1, creditChunks / 4)
        if isDue { try? port.send([Frame(visitor.routingID)] + permission(owed, stamp: own)) }
        visitors[number]?.owedCredit = isDue ? 0 : owed
    }

    private func read(_ line: PeerLine, _ weights: Weights) throws {
        for _ in 0..<256 {
            do {
                guard let frames = try line.socket.receive(maximumFrames: 2) else { return }
                let (header, payload) = try openHeader(frames[...])
                guard header.stamp == line.stamp else { continue }
                switch header.kind {
                case .hello: line.hasAnswered = true
                case .credit: line.outflow.receiveCredit(header.chunkCount)
                case .share, .foreseen:
                    line.owedCredit += 1
                    if line.owedCredit >= max(1, creditChunks / 4) || header.chunk + 1 == header.part.upperBound {
                        try? line.socket.send(permission(line.owedCredit, stamp: own))
                        line.owedCredit = 0
                    }
                    try weights(header, payload)
                default: continue
                }
            } catch is WireError {
                continue
            } catch ZeroMQError.tooManyFrames {
                continue
            }
        }
    }
}
