/// A protobuf message that is being written, field by field.
///
/// <https://protobuf.dev/programming-guides/encoding>
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    private enum Kind: UInt64 {
        case varint = 0
        case eightBytes = 1
        case counted = 2
        case fourBytes = 5
    }

    private mutating func begin(_ field: UInt64, _ kind: Kind) { varint(field << 3 | kind.rawValue) }

    private mutating func varint(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func integer(_ number: Int, at field: UInt64) {
        begin(field, .varint)
        varint(UInt64(bitPattern: Int64(number)))
    }

    mutating func double(_ number: Double, at field: UInt64) {
        begin(field, .eightBytes)
        bytes.append(littleEndian: number.bitPattern)
    }

    mutating func float(_ number: Float, at field: UInt64) {
        begin(field, .fourBytes)
        bytes.append(littleEndian: number.bitPattern)
    }

    mutating func counted(_ contents: some Collection<UInt8>, at field: UInt64) {
        begin(field, .counted)
        varint(UInt64(contents.count))
        bytes += contents
    }

    mutating func message(at field: UInt64, _ fill: (inout ProtobufMessage) -> Void) {
        var inner = ProtobufMessage()
        fill(&inner)
        counted(inner.bytes, at: field)
    }
}

extension [UInt8] {
    mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
