import Recipe
import Wire

/// Chunks of one flat buffer, or of a part of it, as they come in.
struct Assembly {
    /// What the chunks belong to: a round and slots, or a delivery of weights.
    struct Subject: Equatable {
        let kind: Header.Kind
        let round: UInt32
        let slots: Range<UInt32>
        let step: UInt64

        init(_ header: Header) {
            // A delivery is one, whether its chunks come from the coordinator or are passed on by others.
            kind = header.kind.isOfWeights ? .weights : header.kind
            round = header.round
            slots = header.slots
            step = header.step
        }
    }

    let subject: Subject
    /// The part that the chunks make up.
    let floats: FlatFloats
    private let chunks: Range<UInt32>
    private let bytes: Int
    private let chunkBytes: Int
    private let format: GradientFormat
    /// What the chunks are added to; nil is nothing.
    private let base: FlatFloats?
    private let isMeasured: Bool
    private var missing: Set<UInt32>
    /// Σ x² of each chunk that is in.
    private var squares: [Double]
    /// Of each chunk that is in as it lies in ``floats``; nil where only parts of them are, or something is added.
    private var checksums: ChunkChecksums?

    /// - Parameters:
    ///   - count: floats of the whole, as both sides have agreed; never what a message says.
    ///   - chunkBytes: bytes of every chunk but the last; a multiple of a float's.
    ///   - chunks: of the whole, those that are wanted; nil is all.
    ///   - format: how the floats are written, as both sides have agreed.
    ///   - base: as many floats as the whole, to which the chunks are added; nil takes the chunks as they are.
    ///   - isMeasured: whether ``norm`` or ``squares(of:)`` will be asked for.
    init(
        _ subject: Subject, count: Int, chunkBytes: Int, chunks: Range<UInt32>? = nil, format: GradientFormat = .fp32,
        base: FlatFloats? = nil, isMeasured: Bool = false
    ) {
        self.base = base
        self.subject = subject
        self.isMeasured = isMeasured
        self.format = format
        self.chunkBytes = chunkBytes
        bytes = count * MemoryLayout<Float>.size
        let all = 0..<chunkCount(of: bytes, in: chunkBytes)
        self.chunks = chunks?.clamped(to: all) ?? all
        let first = chunkRange(Int(self.chunks.lowerBound), of: bytes, in: chunkBytes).lowerBound
        let end = chunkRange(Int(self.chunks.upperBound) - 1, of: bytes, in: chunkBytes).upperBound
        floats = FlatFloats(count: (end - first) / MemoryLayout<Float>.size)
        missing = Set(self.chunks)
        squares = isMeasured ? Array(repeating: 0, count: self.chunks.count) : []
        checksums = format == .fp32 && base == nil && chunks == nil ? ChunkChecksums(count: all.upperBound) : nil
    }

    /// Of all of it, as weights.
    var checksum: UInt64 { checksums?.whole(of: floats, chunkBytes: chunkBytes) ?? floats.checksum }

    var isComplete: Bool { missing.isEmpty }

    /// √Σ x² of what is in; not finite when something in it is not.
    var norm: Double { squares(of: chunks).squareRoot() }

    /// Σ x² of these chunks, as far as they are in.
    func squares(of wanted: Range<UInt32>) -> Double {
        wanted.clamped(to: chunks).reduce(0) { $0 + squares[Int($1 - chunks.lowerBound)] }
    }

    /// Whether it is one of those that are wanted.
    func contains(_ chunk: UInt32) -> Bool { chunks.contains(chunk) }

    /// Whether a chunk is in.
    func has(_ chunk: UInt32) -> Bool { chunks.contains(chunk) && !missing.contains(chunk) }

    /// Puts a chunk where it belongs, if its length and checksum are right.
    ///
    /// - Parameter earlier: all weights of the step before, since which a change is told.
    mutating func take(
        _ header: Header, _ payload: UnsafeRawBufferPointer, since earlier: FlatFloats? = nil
    ) throws(WireError) {
        let isChange = header.numberFormat == .packedChange
        let isPacked = format == .fp32 && (header.numberFormat == .packedFloat32 || isChange)
        guard header.chunkCount == chunkCount(of: bytes, in: chunkBytes),
            isPacked || header.numberFormat == format.numberFormat, chunks.contains(header.chunk),
            !isChange || earlier?.count == floats.count
        else { throw .chunk(index: header.chunk, count: header.chunkCount) }
        let range = chunkRange(Int(header.chunk), of: bytes, in: chunkBytes)
        let length = format.byteCount(of: range.count / MemoryLayout<Float>.size)
        guard isPacked ? payload.count < length && payload.count == Int(header.payloadLength) : payload.count == length
        else { throw .payloadLength(said: length, got: payload.count) }
        guard missing.contains(header.chunk) else { return }
        let origin = chunkRange(Int(chunks.lowerBound), of: bytes, in: chunkBytes).lowerBound
        let part = UnsafeMutableRawBufferPointer(floats.elements)
        let place = UnsafeMutableRawBufferPointer(
            rebasing: part[range.lowerBound - origin..<range.upperBound - origin])
        if isPacked {
            let before = isChange ? earlier.map { UnsafeRawBufferPointer(rebasing: $0.bytes[range]) } : nil
            PackedFloats.unpack(payload, since: before, into: place)
            try header.check(sumOf: UnsafeRawBufferPointer(place))
            checksums?[header.chunk] = header.payloadChecksum
        } else if format == .fp32 {
            // Checked where it is to stay: one look sees to the way here and to the copy.
            place.copyMemory(from: payload)
            try header.check(payload: UnsafeRawBufferPointer(place), limit: length)
            checksums?[header.chunk] = header.payloadChecksum
        } else {
            try header.check(payload: payload, limit: length)
            try format.decode(payload, into: place.assumingMemoryBound(to: Float.self))
        }
        if let base {
            let floats = place.assumingMemoryBound(to: Float.self)
            let before = base.elements[range.lowerBound / 4..<range.upperBound / 4]
            for (index, element) in before.enumerated() { floats[index] = element + floats[index] }
        }
        missing.remove(header.chunk)
        if isMeasured {
            let floats = UnsafeBufferPointer(place.assumingMemoryBound(to: Float.self))
            squares[Int(header.chunk - chunks.lowerBound)] = Coordination.squares(floats)
        }
    }
}

/// How many chunks a buffer makes; an empty one is sent as one empty chunk.
func chunkCount(of bytes: Int, in chunkBytes: Int) -> UInt32 {
    UInt32(clamping: max(1, (bytes + chunkBytes - 1) / chunkBytes))
}

/// Which bytes of the buffer a chunk is.
func chunkRange(_ index: Int, of bytes: Int, in chunkBytes: Int) -> Range<Int> {
    min(bytes, index * chunkBytes)..<min(bytes, (index + 1) * chunkBytes)
}
