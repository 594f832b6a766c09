import Recipe
import Wire
import ZeroMQ

/// What is being sent to one receiver, chunk by chunk, no faster than the receiver gives credit for.
///
/// At most `credit` chunks to each receiver are between the two processes, so what a receiver of many must hold is
/// peers × credit × chunk, and no queue of libzmq's ever fills up.
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
        /// What the floats have been rounded to.
        var format = GradientFormat.fp32
        var nextChunk = 0

        /// Some of the chunks of a whole of so many floats, in memory that begins with the float `start`.
        struct Part {
            let chunks: Range<UInt32>
            let count: Int
            let start: Int
            /// How many of `chunks`, from the first on, may be sent by now; nil is all.
            var ready: UInt32?
        }
    }

    private let chunkBytes: Int
    private let fullCredit: Int
    private var credit: Int
    private var parcels: [Parcel] = []

    init(chunkBytes: Int, creditChunks: Int) {
        self.chunkBytes = chunkBytes
        fullCredit = creditChunks
        credit = creditChunks
    }

    /// Whether all that was put in has been taken at the other end.
    var isIdle: Bool { parcels.isEmpty && credit == fullCredit }

    mutating func put(_ parcel: Parcel) { parcels.append(parcel) }

    /// Lets more of a parcel's chunks go out.
    ///
    /// - Parameter checksums: where they are known, those of the chunks that may go out.
    mutating func release(_ ready: UInt32, checksums: ChunkChecksums? = nil, where isMeant: (Header) -> Bool) {
        for index in parcels.indices where isMeant(parcels[index].header) {
            parcels[index].part?.ready = ready
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
        while credit > 0, var parcel = parcels.first {
            let end = end(of: parcel)
            parcel.nextChunk = max(parcel.nextChunk, Int(parcel.part?.chunks.lowerBound ?? 0))
            if parcel.nextChunk < end {
                guard isReady(parcel) else { return }
                guard try fits(send, nextChunk(of: parcel)) else { return }
                parcel.nextChunk += 1
                credit -= 1
                parcels[0] = parcel
            }
            guard parcel.nextChunk == end else { continue }
            if let ending = parcel.ending {
                guard try fits(send, letter(ending, stamp: parcel.header.stamp)) else { return }
            }
            parcels.removeFirst()
        }
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

    private func end(of parcel: Parcel) -> Int {
        Int(parcel.part?.chunks.upperBound ?? chunkCount(of: bytes(of: parcel), in: chunkBytes))
    }

    private func isReady(_ parcel: Parcel) -> Bool {
        guard let part = parcel.part, let ready = part.ready else { return true }
        return parcel.nextChunk < Int(part.chunks.lowerBound + ready)
    }

    private func nextChunk(of parcel: Parcel) throws(ZeroMQError) -> [Frame] {
        let whole = bytes(of: parcel)
        let origin = (parcel.part?.start ?? 0) * MemoryLayout<Float>.size
        let range = chunkRange(parcel.nextChunk, of: whole, in: chunkBytes)
        let chunk = UnsafeRawBufferPointer(
            rebasing: parcel.floats.bytes[range.lowerBound - origin..<range.upperBound - origin])
        var header = parcel.header
        header.numberFormat = parcel.format.numberFormat
        header.chunk = UInt32(parcel.nextChunk)
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
        header =
            if let checksums = parcel.checksums {
                header.describing(chunk, checksum: checksums[header.chunk])
            } else {
                header.describing(chunk)
            }
        return try [Frame(header.bytes), Frame(sharing: chunk, of: parcel.floats)]
    }
}
