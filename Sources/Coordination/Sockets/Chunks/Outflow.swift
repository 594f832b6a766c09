import Recipe
import Wire
import ZeroMQ

/// What is being sent to one receiver, chunk by chunk, no faster than the receiver gives credit for.
///
/// At most `credit` chunks to each receiver are between the two processes, so what a receiver of many must hold is
/// peers × credit × chunk, and no queue of libzmq's ever fills up.
///
/// What all wait for goes first: the weights of a step, then its sums, and only then the weights that it leads to. What
/// cannot go yet holds up nothing behind it.
struct Outflow {
    /// A buffer to send, and a message to send behind it.
    struct Parcel {
        var header: Header
        let floats: FlatFloats
        /// Where they are known: what goes to many is looked at once.
        var checksums: ChunkChecksums?
        let ending: (any Encodable & Sendable)?
        /// Of the flat gradient's or weights' chunks, those to send, where it is not all of them.
        var part: Part?
        /// The same floats as they are written, where that is known: what goes to many is written once.
        var encoded: EncodedFloats?
        /// The same floats in fewer bytes, where they go to many or are told as a change.
        var packed: PackedChunks?
        /// What the floats have been rounded to.
        var format = GradientFormat.fp32
        /// How many of its chunks have gone out.
        var sent = 0

        /// Some of the chunks of a whole of so many floats, in memory that begins with the float `start`.
        struct Part {
            let chunks: Range<UInt32>
            let count: Int
            let start: Int
            /// Those of `chunks` that may be sent by now, in this order; nil is all, from the first on.
            var ready: [UInt32]?
        }

        /// Less is sooner.
        var rank: (step: UInt64, order: Int) {
            // A shard of the sum does not tell its step, which is always the one being done.
            header.kind == .reduced ? (0, 0) : (header.step, header.kind.isOfWeights ? 0 : 1)
        }

        /// The chunk that goes out next; nil where none may yet.
        var next: UInt32? {
            guard let ready = part?.ready else { return (part?.chunks.lowerBound ?? 0) + UInt32(sent) }
            return sent < ready.count ? ready[sent] : nil
        }
    }

    /// Whether floats go in fewer bytes.
    var isPacking: Bool
    private let chunkBytes: Int
    private let fullCredit: Int
    private var credit: Int
    private var parcels: [Parcel] = []
    private var sentChunks = 0
    /// What ``sentChunks`` was behind the last chunk that was of no weights.
    private var sentSums = 0

    init(chunkBytes: Int, creditChunks: Int, isPacking: Bool = false) {
        self.isPacking = isPacking
        self.chunkBytes = chunkBytes
        fullCredit = creditChunks
        credit = creditChunks
    }

    /// Whether all sums that were put in have been taken at the other end, which takes chunks in the order in which they go.
    var hasDeliveredSums: Bool {
        !parcels.contains { !$0.header.kind.isOfWeights } && sentChunks - (fullCredit - credit) >= sentSums
    }

    /// Whether something is on its way, or could be.
    var isSending: Bool { credit < fullCredit || turn != nil }

    mutating func put(_ parcel: Parcel) { parcels.append(parcel) }

    /// Puts in a part that grows; where it has been put in before, more of its chunks go out.
    mutating func send(_ parcel: Parcel) {
        let header = parcel.header
        let index = parcels.firstIndex {
            ($0.header.kind, $0.header.round, $0.header.slots, $0.header.part)
                == (header.kind, header.round, header.slots, header.part)
        }
        guard let index else { return put(parcel) }
        parcels[index].part?.ready?.append(contentsOf: parcel.part?.ready ?? [])
    }

    /// Lets more of a parcel's chunks go out.
    ///
    /// - Parameters:
    ///   - ready: all of the whole that may go out by now; those that could before come first.
    ///   - checksums: where they are known, those of the chunks that may go out.
    mutating func release(_ ready: [UInt32], checksums: ChunkChecksums? = nil, where isMeant: (Header) -> Bool) {
        for index in parcels.indices where isMeant(parcels[index].header) {
            let chunks = parcels[index].part?.chunks ?? 0..<0
            parcels[index].part?.ready = ready.filter(chunks.contains)
            if let checksums { parcels[index].checksums = checksums }
        }
    }

    mutating func receiveCredit(_ chunks: UInt32) {
        credit = min(fullCredit, credit + Int(chunks))
    }

    /// Lets go of parcels that nobody wants any more.
    mutating func drop(where isStale: (Header) -> Bool) {
        parcels.removeAll { isStale($0.header) }
    }

    /// Sends what credit allows.
    ///
    /// - Parameter send: throws ``ZeroMQError/queueFull`` to be asked again later.
    mutating func pump(_ send: ([Frame]) throws(ZeroMQError) -> Void) throws {
        while credit > 0, let turn {
            var parcel = parcels[turn]
            let chunks = chunks(of: parcel)
            if parcel.sent < chunks.count, let next = parcel.next {
                guard try fits(send, chunk(next, of: parcel)) else { return }
                parcel.sent += 1
                credit -= 1
                sentChunks += 1
                if !parcel.header.kind.isOfWeights { sentSums = sentChunks }
                parcels[turn] = parcel
            }
            guard parcel.sent == chunks.count else { continue }
            if let ending = parcel.ending {
                guard try fits(send, letter(ending, stamp: parcel.header.stamp)) else { return }
            }
            parcels.remove(at: turn)
        }
    }

    /// Which parcel is next: of those of which something can go, the one that is waited for most.
    private var turn: Int? {
        let ready = parcels.indices.filter {
            parcels[$0].sent == chunks(of: parcels[$0]).count || parcels[$0].next != nil
        }
        return ready.min { parcels[$0].rank < parcels[$1].rank }
    }

    /// Whether there was room for a message.
    private func fits(_ send: ([Frame]) throws(ZeroMQError) -> Void, _ frames: [Frame]) throws -> Bool {
        do {
            try send(frames)
            return true
        } catch ZeroMQError.queueFull {
            return false
        }
    }

    private func bytes(of parcel: Parcel) -> Int {
        (parcel.part?.count ?? parcel.floats.count) * MemoryLayout<Float>.size
    }

    private func chunks(of parcel: Parcel) -> Range<UInt32> {
        parcel.part?.chunks ?? 0..<chunkCount(of: bytes(of: parcel), in: chunkBytes)
    }

    private func chunk(_ index: UInt32, of parcel: Parcel) throws(ZeroMQError) -> [Frame] {
        let whole = bytes(of: parcel)
        let origin = (parcel.part?.start ?? 0) * MemoryLayout<Float>.size
        let range = chunkRange(Int(index), of: whole, in: chunkBytes)
        let chunk = UnsafeRawBufferPointer(
            rebasing: parcel.floats.bytes[range.lowerBound - origin..<range.upperBound - origin])
        var header = parcel.header
        header.numberFormat = parcel.format.numberFormat
        header.chunk = index
        header.chunkCount = chunkCount(of: whole, in: chunkBytes)
        if let encoded = parcel.encoded {
            let bytes = UnsafeRawBufferPointer(encoded[header.chunk])
            header.numberFormat = encoded.format.numberFormat
            header = header.describing(bytes, checksum: parcel.checksums?[header.chunk] ?? checksum(bytes))
            return try [Frame(header.bytes), Frame(sharing: bytes, of: encoded)]
        }
        if parcel.format != .fp32 {
            let bytes = parcel.format.encode(chunk.assumingMemoryBound(to: Float.self))
            header = bytes.withUnsafeBytes { header.describing($0) }
            return try [Frame(header.bytes), Frame(bytes)]
        }
        let checksum = parcel.checksums?[header.chunk] ?? checksum(chunk)
        if isPacking {
            let packed = parcel.packed.map { $0.chunk(index, chunk, at: range) } ?? PackedChunk(chunk)
            if let packed {
                header.numberFormat = parcel.packed?.base == nil ? .packedFloat32 : .packedChange
                header = header.describing(packed.bytes, checksum: checksum)
                return try [Frame(header.bytes), Frame(sharing: packed.bytes, of: packed)]
            }
        }
        header = header.describing(chunk, checksum: checksum)
        return try [Frame(header.bytes), Frame(sharing: chunk, of: parcel.floats)]
    }
}
