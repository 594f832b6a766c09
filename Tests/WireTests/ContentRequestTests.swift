import ContentStore
import Testing
import Wire

@Suite struct `A request for content` {
    private static let hash = Content(of: [1, 2, 3]).hash

    private func parse(_ bytes: [UInt8], limit: Int = 16) throws(WireError) -> ContentRequest {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(WireError) in try ContentRequest.parse(bytes, limit: limit) }
        }
        return try result.get()
    }

    @Test(arguments: [0, 1, 4_265_146_304, Int.max], [false, true])
    func `survives the journey`(offset: Int, startsOver: Bool) throws {
        let request = ContentRequest(hash: Self.hash, offset: offset, pieces: 16, startsOver: startsOver)
        #expect(request.bytes.count == ContentRequest.size)
        #expect(try parse(request.bytes) == request)
    }

    @Test func `has its fields where the table says, little-endian`() {
        let bytes = ContentRequest(hash: Self.hash, offset: 258, pieces: 3, startsOver: true).bytes
        #expect(Array(bytes[..<32]) == Self.hash.bytes)
        #expect(Array(bytes[32...]) == [2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0])
    }

    @Test(arguments: 0...100)
    func `is refused at any other length`(count: Int) {
        let bytes = ContentRequest(hash: Self.hash, offset: 0, pieces: 1).bytes
        guard count != bytes.count else { return }
        #expect(throws: WireError.payloadLength(said: 48, got: count)) {
            try parse(Array((bytes + bytes + bytes).prefix(count)))
        }
    }

    @Test(arguments: [
        (0, 0, 0), (0, 17, 0), (0, UInt32.max, 0), (UInt64.max, 1, 0), (1 << 63, 1, 0), (0, 1, 2), (0, 1, UInt32.max),
    ])
    func `is refused when it makes no sense`(offset: UInt64, pieces: UInt32, flag: UInt32) {
        var bytes = Self.hash.bytes
        withUnsafeBytes(of: offset.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: pieces.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: flag.littleEndian) { bytes.append(contentsOf: $0) }
        #expect(throws: WireError.contentPart(offset: offset, pieces: pieces)) { try parse(bytes) }
    }
}
