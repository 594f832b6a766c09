import Recipe
import Wire
import ZeroMQ

/// One delivery of weights as it comes in at a worker, and the passing on of that worker's shard of it.
struct IncomingWeights {
    private var assembly: Assembly
    /// The chunks of this worker's own shard that are here, in the order in which they came.
    private var own: [UInt32] = []
    /// Of those chunks.
    private var checksums: ChunkChecksums
    /// Those chunks as they are written, where they are an update.
    let written: EncodedFloats?
    /// Of the first of them.
    private var share: Header?
    private var passedOn: Int?
    private var isHandedOver = false

    /// - Parameters:
    ///   - header: of the first chunk that has come.
    ///   - count: floats of the whole.
    ///   - base: what an update is added to; nil where the weights themselves come.
    init(_ header: Header, count: Int, chunkBytes: Int, format: GradientFormat, base: FlatFloats?) {
        assembly = Assembly(
            Assembly.Subject(header), count: count, chunkBytes: chunkBytes, format: format, base: base)
        written = base == nil ? nil : EncodedFloats(format, count: count, chunkBytes: chunkBytes)
        checksums = ChunkChecksums(count: chunkCount(of: count * MemoryLayout<Float>.size, in: chunkBytes))
    }

    var subject: Assembly.Subject { assembly.subject }
    /// Its number.
    var delivery: UInt32 { assembly.subject.round }

    /// Puts a chunk where it belongs.
    ///
    /// - Parameter isOwnShare: whether it came from the coordinator to be passed on.
    mutating func take(_ header: Header, _ payload: Frame, isOwnShare: Bool) throws {
        let isNew = !assembly.has(header.chunk)
        try payload.withUnsafeBytes { bytes throws(WireError) in try assembly.take(header, bytes) }
        guard isOwnShare, isNew else { return }
        if share == nil { share = header }
        own.append(header.chunk)
        checksums[header.chunk] = header.payloadChecksum
        payload.withUnsafeBytes { written?.put($0, at: header.chunk) }
    }

    /// All of it, once, when it is here.
    mutating func takeWhole() -> Assembly? {
        guard assembly.isComplete, !isHandedOver else { return nil }
        isHandedOver = true
        return assembly
    }

    /// Passes on what has come of this worker's shard.
    ///
    /// - Parameter decided: the delivery of the weights in use.
    mutating func relay(to others: [UInt32], behind decided: UInt32?, through peers: PeerDesk) {
        guard let share else { return }
        if passedOn == nil {
            peers.passOn(
                share, assembly, written, checksums, share.part, ready: own, to: others, behind: decided)
        } else if passedOn != own.count {
            peers.release(own, checksums, delivery: delivery)
        }
        passedOn = own.count
    }
}
