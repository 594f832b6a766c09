/// Why bytes from the network are no message of ours.
///
/// The sender's mistake, never ours: count it, drop the message.
package enum WireError: Error, Equatable, CustomStringConvertible {
    case truncatedHeader(bytes: Int)
    case notOurs(magic: UInt32)
    case protocolVersion(theirs: UInt16, ours: UInt16)
    case headerChecksum(said: UInt64, computed: UInt64)
    case unknownKind(UInt8)
    case unknownNumberFormat(UInt8)
    case slots(lower: UInt32, upper: UInt32)
    case chunk(index: UInt32, count: UInt32)
    case payloadTooLong(bytes: Int, limit: Int)
    case payloadLength(said: Int, got: Int)
    case payloadChecksum(said: UInt64, computed: UInt64)
    case frames(Int, expected: Int)
    /// A block of scaled bytes with a scale or a byte that nobody writes.
    case numberBlock(Int)
    case contentPart(offset: UInt64, pieces: UInt32)
    case unreadable(kind: Header.Kind, reason: String)

    package var description: String {
        switch self {
        case .truncatedHeader(let bytes): "a header of \(bytes) bytes, where \(Header.size) belong"
        case .notOurs(let magic): "a message that does not begin like Danlu's (\(hexadecimal(UInt64(magic))))"
        case .protocolVersion(let theirs, let ours):
            "it speaks version \(theirs) of the protocol and this side \(ours): install the same Danlu on both"
        case .headerChecksum(let said, let computed):
            "a damaged header: its checksum is \(hexadecimal(computed)), not \(hexadecimal(said))"
        case .unknownKind(let kind): "a message of kind \(kind), which this version does not know"
        case .unknownNumberFormat(let format): "numbers in format \(format), which this version does not know"
        case .slots(let lower, let upper): "slots from \(lower) to \(upper)"
        case .chunk(let index, let count): "chunk \(index) of \(count)"
        case .payloadTooLong(let bytes, let limit): "a payload of \(bytes) bytes, where \(limit) are allowed"
        case .payloadLength(let said, let got): "a payload of \(got) bytes, where its header says \(said)"
        case .payloadChecksum(let said, let computed):
            "a damaged payload: its checksum is \(hexadecimal(computed)), not \(hexadecimal(said))"
        case .frames(let count, let expected): "a message of \(count) frames, where \(expected) belong"
        case .numberBlock(let block): "block \(block) of a gradient, with a scale or a number that nobody writes"
        case .contentPart(let offset, let pieces): "a request for \(pieces) pieces of content from byte \(offset) on"
        case .unreadable(let kind, let reason): "a \(kind) message that cannot be read: \(reason)"
        }
    }
}
