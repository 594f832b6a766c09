import Wire

/// Chunks of one flat buffer, as they come in.
struct Assembly {
    /// What the chunks belong to: a round and slots, or a delivery of weights.
    struct Subject: Equatable {
        let kind: Header.Kind
        let round: UInt32
        let slots: Range<UInt32>
        let step: UInt64

        init(_ header: Header) {
            kind = header.kind
            round = header.round
            slots = header.slots
            step = header.step
        }
    }

    let subject: Subject
    let floats: FlatFloats
    private let chunkBytes: Int
    private var missing: Set<UInt32>

    /// - Parameters:
    ///   - count: floats of the whole, as both sides have agreed; never what a message says.
    ///   - chunkBytes: bytes of every chunk but the last.
    init(_ subject: Subject, count: Int, chunkBytes: Int) {
        self.subject = subject
        floats = FlatFloats(count: count)
        self.chunkBytes = chunkBytes
        missing = Set(0..<chunkCount(of: count * MemoryLayout<Float>.size, in: chunkBytes))
    }

    var isComplete: Bool { missing.isEmpty }

    /// Puts a chunk where it belongs, if its length and checksum are right.
    mutating func take(_ header: Header, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        let whole = UnsafeMutableRawBufferPointer(floats.elements)
        guard header.chunkCount == chunkCount(of: whole.count, in: chunkBytes), header.numberFormat == .float32 else {
            throw .chunk(index: header.chunk, count: header.chunkCount)
        }
        let range = chunkRange(Int(header.chunk), of: whole.count, in: chunkBytes)
        guard payload.count == range.count else { throw .payloadLength(said: range.count, got: payload.count) }
        try header.check(payload: payload, limit: chunkBytes)
        UnsafeMutableRawBufferPointer(rebasing: whole[range]).copyMemory(from: payload)
        missing.remove(header.chunk)
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
