import Recipe
import Wire
import ZeroMQ

/// One delivery of weights as it comes in at a worker, and the passing on of that worker's shard of it.
struct IncomingWeights {
    private var assembly: Assembly
    private let chunkBytes: Int
    /// The chunks of this worker's own shard that are here, in the order in which they came.
    private var own: [UInt32] = []
    /// Of those chunks.
    private var checksums: ChunkChecksums
    /// Those chunks as they are written, where they are an update.
    let written: EncodedFloats?
    /// Of the first of them.
    private var share: Header?
    private var passedOn: Int?
    /// The weights of the step before, of which a change is told.
    private var earlier: FlatFloats?
    /// Chunks that tell a change of weights that are not here yet.
    private var waiting: [UInt32: Arrival] = [:]

    private var isHandedOver = false

    /// A chunk as it came.
    private struct Arrival {
        let header: Header
        let payload: Frame
        let isOwnShare: Bool
    }

    /// - Parameters:
    ///   - header: of the first chunk that has come.
    ///   - count: floats of the whole.
    ///   - base: what an update is added to; nil where the weights themselves come.
    init(_ header: Header, count: Int, chunkBytes: Int, format: GradientFormat, base: FlatFloats?) {
        self.chunkBytes = chunkBytes
        assembly = Assembly(
            Assembly.Subject(header), count: count, chunkBytes: chunkBytes, format: format, base: base)
        written = base == nil ? nil : EncodedFloats(format, count: count, chunkBytes: chunkBytes)
        checksums = ChunkChecksums(count: chunkCount(of: count * MemoryLayout<Float>.size, in: chunkBytes))
    }

    var subject: Assembly.Subject { assembly.subject }
    /// The step that is computed with them.
    var step: UInt64 { assembly.subject.step }
    /// Its number.
    var delivery: UInt32 { assembly.subject.round }

    /// Puts a chunk where it belongs.
    ///
    /// - Parameter isOwnShare: whether it came from the coordinator to be passed on.
    mutating func take(_ header: Header, _ payload: Frame, isOwnShare: Bool) throws(WireError) {
        let isNew = !assembly.has(header.chunk)
        if header.numberFormat == .packedChange, earlier == nil {
            // What the coordinator has sent is replaced by nobody's.
            guard isNew, assembly.contains(header.chunk), payload.count < chunkBytes,
                waiting[header.chunk]?.isOwnShare != true
            else { return }
            waiting[header.chunk] = Arrival(header: header, payload: payload, isOwnShare: isOwnShare)
            return
        }
        try payload.withUnsafeBytes { bytes throws(WireError) in
            try assembly.take(header, bytes, since: earlier)
        }
        guard isOwnShare, isNew else { return }
        if share == nil { share = header }
        own.append(header.chunk)
        checksums[header.chunk] = header.payloadChecksum
        payload.withUnsafeBytes { written?.put($0, at: header.chunk) }
    }

    /// Takes in what was waiting for the weights of the step before, which these are.
    mutating func follow(_ weights: FlatFloats) {
        guard earlier == nil else { return }
        earlier = weights
        for arrival in waiting.values {
            // What is not what was sent is missed like what never came.
            try? take(arrival.header, arrival.payload, isOwnShare: arrival.isOwnShare)
        }
        waiting = [:]
    }

    /// All of it, where it has been handed over.
    var handedOver: FlatFloats? { isHandedOver ? assembly.floats : nil }

    /// All of it, once, when it is here.
    mutating func takeWhole() -> Assembly? {
        guard assembly.isComplete, !isHandedOver else { return nil }
        isHandedOver = true
        return assembly
    }

    /// Passes on what has come of this worker's shard.
    ///
    /// - Parameters:
    ///   - asChange: whether all of them have the weights of the step before, or will.
    ///   - decided: the delivery of the weights in use.
    mutating func relay(to others: [UInt32], asChange: Bool, behind decided: UInt32?, through peers: PeerDesk) {
        guard let share else { return }
        if passedOn == nil {
            peers.passOn(
                share, assembly, written, since: asChange ? earlier : nil, checksums, share.part, ready: own,
                to: others, behind: decided)
        } else if passedOn != own.count {
            peers.release(own, checksums, delivery: delivery)
        }
        passedOn = own.count
    }
}
