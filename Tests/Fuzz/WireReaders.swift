import ContentStore
import Foundation
import Recipe
import Wire

func readHeader(_ bytes: UnsafeRawBufferPointer) throws {
    let header = try Header.parse(bytes)
    precondition(header.bytes == Array(bytes))
    var copy = header
    copy.part = header.part
    _ = copy.bytes
}

/// A header whose magic, version and checksum are put right, so that its fields are looked at; what is left is its payload.
func readSealedHeader(_ bytes: UnsafeRawBufferPointer) throws {
    var head = Array(bytes.prefix(Header.size))
    head += [UInt8](repeating: 0, count: Header.size - head.count)
    head.replaceSubrange(0..<6, with: Header(.control, .stranger).bytes[0..<6])
    let sum = head[..<80].withUnsafeBytes { checksum($0) }
    head.replaceSubrange(80..., with: withUnsafeBytes(of: sum.littleEndian) { Array($0) })
    try head.withUnsafeBytes { head in
        try readHeader(head)
        let payload = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Header.size))
        try Header.parse(head).describing(payload).check(payload: payload, limit: 4096)
        try Header.parse(head).check(payload: payload, limit: 4096)
    }
}

func readMessage<Message: Codable>(
    _ type: Message.Type, _ bytes: UnsafeRawBufferPointer, limit: Int, look: (Message) -> Void
) throws {
    let header = Header(.control, .stranger).describing(bytes)
    try header.check(payload: bytes, limit: limit)
    let message = try Control.decode(type, from: bytes)
    look(message)
    guard let written = try? Control.encode(message) else { preconditionFailure("cannot be written") }
    let again = try written.withUnsafeBytes { written in try Control.decode(type, from: written) }
    // Not `==`, by which a number that is none differs from itself.
    precondition(sorted(message) == sorted(again))
}

private func sorted(_ message: some Encodable) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    guard let data = try? encoder.encode(message) else { preconditionFailure("cannot be written") }
    return data
}

extension WorkerMessage {
    /// Asks for all that is computed from what was said.
    func look() {
        switch self {
        case .sum(let sum):
            precondition(sum.slots?.isEmpty != true)
            for outcome in sum.outcomes { _ = outcome.isFinite }
        case .notFinite(_, _, let outcome): _ = outcome.isFinite
        case .handBack(_, let kept): for range in kept { precondition(range.lowerBound <= range.upperBound) }
        default: break
        }
    }
}

extension CoordinatorMessage {
    /// Asks for all that is computed from what was said.
    func look() {
        switch self {
        case .lease(let lease):
            if let slots = lease.slots { precondition(slots.upperBound + lease.firstSlot >= slots.upperBound) }
            for shard in lease.shards ?? [] { precondition(shard.chunks?.isEmpty != true) }
        case .refused(let refusal): precondition(!refusal.description.isEmpty)
        case .reduce(let reduction): for term in reduction.terms { precondition(term.slots?.isEmpty != true) }
        default: break
        }
    }
}

func readContentRequest(_ bytes: UnsafeRawBufferPointer) throws {
    let request = try ContentRequest.parse(bytes, limit: 16)
    precondition(request.bytes == Array(bytes) && 1...16 ~= request.pieces && request.offset >= 0)
}

/// A format, how many floats there are, and their bytes.
func readGradient(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count >= 3 else { throw WireError.truncatedHeader(bytes: bytes.count) }
    let format = [GradientFormat.fp32, .bf16, .int8][Int(bytes[0]) % 3]
    let count = Int(bytes[1]) | Int(bytes[2]) << 8
    let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    floats.initialize(repeating: 0)
    defer { floats.deallocate() }
    func decode(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
        try format.decode(bytes, into: floats)
        return format.encode(UnsafeBufferPointer(floats))
    }
    let rounded = try decode(UnsafeRawBufferPointer(rebasing: bytes[3...]))
    // What has been rounded once is not changed by being rounded again.
    let again = try rounded.withUnsafeBytes { bytes in try decode(bytes) }
    precondition(rounded == again)
}

/// Whether a change is told, how many floats there are, and what they are packed in.
///
/// Of other bytes come other floats, or none; what was packed comes back.
func readPackedFloats(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count >= 3 else { throw WireError.truncatedHeader(bytes: bytes.count) }
    let count = Int(bytes[1]) | Int(bytes[2]) << 8
    let isChange = bytes[0] & 1 == 1
    let packed = UnsafeRawBufferPointer(rebasing: bytes[3...])
    let zeros = [UInt8](repeating: 0, count: 4 * count)
    var (floats, again, place) = (zeros, zeros, zeros)
    func unpack(_ bytes: UnsafeRawBufferPointer, into floats: inout [UInt8]) {
        floats.withUnsafeMutableBytes { floats in
            zeros.withUnsafeBytes { PackedFloats.unpack(bytes, since: isChange ? $0 : nil, into: floats) }
        }
    }
    unpack(packed, into: &floats)
    let length = floats.withUnsafeBytes { floats in
        place.withUnsafeMutableBytes { place in
            zeros.withUnsafeBytes { PackedFloats.pack(floats, since: isChange ? $0 : nil, into: place) }
        }
    }
    guard let length else { return }
    precondition(length < 4 * count)
    place[..<length].withUnsafeBytes { unpack($0, into: &again) }
    precondition(again == floats)
}
