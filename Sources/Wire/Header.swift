/// The fixed-size first frame of every message: what the second frame holds, and which life it belongs to.
///
/// 88 bytes, all numbers little-endian:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `DANL` |
/// | 4 | 2 | protocol version |
/// | 6 | 1 | kind of message |
/// | 7 | 1 | number format of the payload |
/// | 8 | 16 | run |
/// | 24 | 8 | incarnation |
/// | 32 | 8 | step |
/// | 40 | 4 | worker |
/// | 44 | 4 | round or delivery: which try of a step, which sending of weights |
/// | 48 | 4 + 4 | slots, from and up to |
/// | 56 | 4 | shard |
/// | 60 | 4 + 4 | chunk, and how many there are |
/// | 68 | 4 | bytes in the payload |
/// | 72 | 8 | checksum of the payload |
/// | 80 | 8 | checksum of bytes 0 to 79 |
package struct Header: Equatable, Sendable {
    /// What a message is.
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// JSON: a ``WorkerMessage`` or a ``CoordinatorMessage``.
        case control = 1
        /// "This is my bulk connection."
        case hello = 2
        /// A piece of the sum over ``Header/slots``.
        case gradient = 3
        /// A piece of the weights of ``Header/step``.
        case weights = 4
        /// "You may send me ``Header/chunkCount`` more chunks."
        case credit = 5
        /// A ``ContentRequest``.
        case contentRequest = 6
        /// A piece of what was requested.
        case content = 7
        /// JSON: an ``OperationRequest``, or what is answered to one.
        case operation = 8
        /// Between workers: a piece of the sum over ``Header/slots``, for whoever adds up its shard.
        case segment = 9
        /// A piece of the step's whole sum, from whoever added it up.
        case reduced = 10
        /// A piece of the weights of ``Header/step``, to be passed on to the other workers.
        case share = 11
        /// A piece of the weights that a step will most likely lead to, to be passed on and kept until
        /// ``CoordinatorMessage/stands(delivery:)`` says that it has.
        case foreseen = 12

        /// Whether it is a piece of weights.
        package var isOfWeights: Bool { self == .weights || self == .share || self == .foreseen }
    }

    /// How the payload's numbers are written.
    package enum NumberFormat: UInt8, CaseIterable, Sendable {
        /// No numbers, or numbers as text.
        case none = 0
        /// IEEE 754 binary32, little-endian.
        case float32 = 1
        /// The upper half of that.
        case bfloat16 = 2
        /// Blocks of signed bytes, each with a scale.
        case blockInt8 = 3
        /// binary32 in fewer bytes, by ``PackedFloats``; the checksum is that of the floats.
        case packedFloat32 = 4
        /// The same, as what has changed since the step before.
        case packedChange = 5
    }

    /// Grows when an older program could misread a message.
    package static let protocolVersion: UInt16 = 7
    /// Bytes of a header.
    package static let size = 88
    private static let magic: UInt32 = 0x4C4E_4144  // "DANL"

    package var kind: Kind
    package var numberFormat = NumberFormat.none
    package var stamp: Stamp
    /// Of a piece of content: its first byte.
    ///
    /// Of a piece of the step's whole sum: ``Reduction/number`` of what it answers.
    package var step: UInt64 = 0
    /// Of a gradient: the try of a step.
    ///
    /// Of weights: the number of their delivery. Of content: the number of its request.
    package var round: UInt32 = 0
    package var slots: Range<UInt32> = 0..<0
    /// Of what is cut into shards: see ``part``.
    package var shard: UInt32 = 0
    package var chunk: UInt32 = 0
    package var chunkCount: UInt32 = 1
    package var payloadLength: UInt32 = 0
    package var payloadChecksum: UInt64 = 0

    package init(_ kind: Kind, _ stamp: Stamp) {
        self.kind = kind
        self.stamp = stamp
    }

    /// Whether it is of the sum over these very slots.
    package func covers(_ slots: Range<Int>) -> Bool {
        Int(self.slots.lowerBound) == slots.lowerBound && Int(self.slots.upperBound) == slots.upperBound
    }

    /// The 88 bytes.
    package var bytes: [UInt8] {
        var writer = Writer()
        writer.write(Header.magic)
        writer.write(Header.protocolVersion)
        writer.write(kind.rawValue)
        writer.write(numberFormat.rawValue)
        writer.write(stamp.run.halves.0)
        writer.write(stamp.run.halves.1)
        writer.write(stamp.incarnation)
        writer.write(step)
        writer.write(stamp.worker.number)
        writer.write(round)
        writer.write(slots.lowerBound)
        writer.write(slots.upperBound)
        writer.write(shard)
        writer.write(chunk)
        writer.write(chunkCount)
        writer.write(payloadLength)
        writer.write(payloadChecksum)
        writer.write(writer.bytes.withUnsafeBytes { checksum($0) })
        return writer.bytes
    }

    /// Reads a header; allocates nothing.
    ///
    /// - Parameter bytes: exactly ``size`` of them, at any alignment.
    package static func parse(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Header {
        guard bytes.count == size else { throw .truncatedHeader(bytes: bytes.count) }
        var reader = Reader(bytes: bytes)
        let magic: UInt32 = reader.read()
        guard magic == Header.magic else { throw .notOurs(magic: magic) }
        let version: UInt16 = reader.read()
        guard version == protocolVersion else { throw .protocolVersion(theirs: version, ours: protocolVersion) }
        let said = bytes.loadUnaligned(fromByteOffset: size - 8, as: UInt64.self).littleEndian
        let computed = checksum(UnsafeRawBufferPointer(rebasing: bytes[..<(size - 8)]))
        guard said == computed else { throw .headerChecksum(said: said, computed: computed) }

        let rawKind: UInt8 = reader.read()
        guard let kind = Kind(rawValue: rawKind) else { throw .unknownKind(rawKind) }
        let rawFormat: UInt8 = reader.read()
        guard let format = NumberFormat(rawValue: rawFormat) else { throw .unknownNumberFormat(rawFormat) }
        let run = RunID(reader.read(), reader.read())
        let incarnation: UInt64 = reader.read()
        let step: UInt64 = reader.read()
        let worker = WorkerID(reader.read())

        var header = Header(kind, Stamp(run: run, incarnation: incarnation, worker: worker))
        header.numberFormat = format
        header.step = step
        header.round = reader.read()
        let lower: UInt32 = reader.read()
        let upper: UInt32 = reader.read()
        guard lower <= upper else { throw .slots(lower: lower, upper: upper) }
        header.slots = lower..<upper
        header.shard = reader.read()
        header.chunk = reader.read()
        header.chunkCount = reader.read()
        guard header.chunk < header.chunkCount else { throw .chunk(index: header.chunk, count: header.chunkCount) }
        header.payloadLength = reader.read()
        header.payloadChecksum = reader.read()
        return header
    }

    /// Checks what came in the second frame against what the first said of it.
    package func check(payload: UnsafeRawBufferPointer, limit: Int) throws(WireError) {
        guard payload.count <= limit else { throw .payloadTooLong(bytes: payload.count, limit: limit) }
        guard payload.count == Int(payloadLength) else {
            throw .payloadLength(said: Int(payloadLength), got: payload.count)
        }
        try check(sumOf: payload)
    }

    /// Checks what came, or floats that came packed, against the first frame's checksum.
    package func check(sumOf bytes: UnsafeRawBufferPointer) throws(WireError) {
        let computed = checksum(bytes)
        guard computed == payloadChecksum else { throw .payloadChecksum(said: payloadChecksum, computed: computed) }
    }

    /// This header, with length and checksum of `payload`.
    package func describing(_ payload: UnsafeRawBufferPointer) -> Header {
        describing(payload, checksum: checksum(payload))
    }

    /// This header, with length of `payload` and its checksum, which is known.
    package func describing(_ payload: UnsafeRawBufferPointer, checksum: UInt64) -> Header {
        var header = self
        header.payloadLength = UInt32(payload.count)
        header.payloadChecksum = checksum
        return header
    }
}

private struct Writer {
    var bytes: [UInt8] = []

    init() {
        bytes.reserveCapacity(Header.size)
    }

    mutating func write(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var offset = 0

    mutating func read<Number: FixedWidthInteger & BitwiseCopyable>() -> Number {
        defer { offset += MemoryLayout<Number>.size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
