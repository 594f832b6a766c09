import TestSupport
import Testing
import Wire

@Suite struct `A header` {
    static let example = Samples.header

    private func parse(_ bytes: [UInt8]) throws(WireError) -> Header {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(WireError) in try Header.parse(bytes) }
        }
        return try result.get()
    }

    @Test func `survives the journey`() throws {
        let bytes = Self.example.bytes
        #expect(bytes.count == Header.size)
        let parsed = try parse(bytes)
        #expect(parsed == Self.example)
    }

    @Test func `has its fields where the table says, little-endian`() {
        let bytes = Self.example.bytes
        #expect(Array(bytes[0..<8]) == [0x44, 0x41, 0x4E, 0x4C, 7, 0, 3, 1])
        #expect(Array(bytes[8..<24]) == [1, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 255, count: 8))
        #expect(Array(bytes[40..<48]) == [3, 0, 0, 0, 99, 0, 0, 0])
        #expect(Array(bytes[48..<72]) == [4, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 2, 0, 0])
    }

    @Test func `is read at any alignment`() throws {
        let shifted = [0] + Self.example.bytes
        let parsed = try shifted.withUnsafeBytes { bytes in
            try Header.parse(UnsafeRawBufferPointer(rebasing: bytes[1...]))
        }
        #expect(parsed == Self.example)
    }

    @Test(arguments: 0..<Header.size)
    func `is refused when truncated`(count: Int) {
        #expect(throws: WireError.truncatedHeader(bytes: count)) { try parse(Array(Self.example.bytes[..<count])) }
    }

    @Test func `is refused when longer than it is`() {
        #expect(throws: WireError.truncatedHeader(bytes: 89)) { try parse(Self.example.bytes + [0]) }
    }

    @Test(arguments: 0..<Header.size)
    func `is refused with any bit flipped`(index: Int) {
        for bit in 0..<8 {
            var bytes = Self.example.bytes
            bytes[index] ^= 1 << bit
            #expect(throws: WireError.self) { try parse(bytes) }
        }
    }

    @Test func `of another version is refused with both versions`() {
        var bytes = Self.example.bytes
        bytes[4] = 9
        let error = #expect(throws: WireError.protocolVersion(theirs: 9, ours: Header.protocolVersion)) {
            try parse(bytes)
        }
        #expect(
            error?.description.contains("version 9 of the protocol and this side \(Header.protocolVersion)") == true)
    }

    @Test func `that is whole but makes no sense is refused`() {
        func sealed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var bytes = Array(Self.example.bytes[..<80])
            change(&bytes)
            let sum = bytes.withUnsafeBytes { checksum($0) }
            return bytes + withUnsafeBytes(of: sum.littleEndian) { Array($0) }
        }
        #expect(throws: WireError.unknownKind(77)) { try parse(sealed { $0[6] = 77 }) }
        #expect(throws: WireError.unknownNumberFormat(9)) { try parse(sealed { $0[7] = 9 }) }
        #expect(throws: WireError.slots(lower: 9, upper: 8)) { try parse(sealed { $0[48] = 9 }) }
        #expect(throws: WireError.chunk(index: 6, count: 6)) { try parse(sealed { $0[60] = 6 }) }
        #expect(throws: WireError.chunk(index: 5, count: 0)) { try parse(sealed { $0[64] = 0 }) }
    }

    @Test func `is never found in random bytes`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(throws: WireError.self) { try parse(bytes) }
        }
    }

    @Test func `of random fields survives the journey`() throws {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<2000 {
            var header = Header(
                Header.Kind.allCases.randomElement(using: &random) ?? .control,
                Stamp(
                    run: RunID(random.next(), random.next()), incarnation: random.next(),
                    worker: WorkerID(.random(in: 0 ... .max, using: &random))))
            header.step = random.next()
            header.round = .random(in: 0 ... .max, using: &random)
            let lower = UInt32.random(in: 0 ... .max, using: &random)
            header.slots = lower..<UInt32.random(in: lower ... .max, using: &random)
            header.chunkCount = .random(in: 1 ... .max, using: &random)
            header.chunk = .random(in: 0..<header.chunkCount, using: &random)
            header.payloadLength = .random(in: 0 ... .max, using: &random)
            header.payloadChecksum = random.next()
            #expect(try parse(header.bytes) == header)
        }
    }
}

@Suite struct `A payload` {
    private let bytes: [UInt8] = [1, 2, 3, 4, 5]

    private func check(_ header: Header, _ bytes: [UInt8], limit: Int = 100) throws(WireError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(WireError) in try header.check(payload: bytes, limit: limit) }
        }
        try result.get()
    }

    @Test func `is what its header says`() throws {
        let header = bytes.withUnsafeBytes { Header(.control, .stranger).describing($0) }
        try check(header, bytes)
        #expect(throws: WireError.payloadLength(said: 5, got: 4)) { try check(header, [1, 2, 3, 4]) }
        #expect(throws: WireError.payloadTooLong(bytes: 5, limit: 4)) { try check(header, bytes, limit: 4) }
        #expect(throws: WireError.self) { try check(header, [1, 2, 3, 4, 6]) }
    }

    // What the reference implementation's own xxhsum -H3 says (0.8.1).
    @Test(
        arguments: [
            ("", 0x2D06_8005_38D3_94C2), ("a", 0xE6C6_32B6_1E96_4E1F), ("abc", 0x78AF_5F94_892F_3950),
            ("Nobody inspects the spammish repetition", 0x6CB0_0603_B5CC_47E9),
        ] as [(String, UInt64)])
    func `has XXH3's checksum`(text: String, expected: UInt64) {
        #expect(Array(text.utf8).withUnsafeBytes { checksum($0) } == expected)
    }

    @Test(
        arguments: [
            (240, 0xE315_D53D_5129_EEDE), (241, 0x1877_3C51_2B00_8A63), (1000, 0x0DC5_4DA2_1822_85F1),
            (131_072, 0x9477_A43B_A08A_BAC3),
        ] as [(Int, UInt64)])
    func `has it where it is long, and wherever it lies`(count: Int, expected: UInt64) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 &>> 8) }
        #expect(bytes.withUnsafeBytes { checksum($0) } == expected)
        #expect(([7] + bytes).withUnsafeBytes { checksum(UnsafeRawBufferPointer(rebasing: $0[1...])) } == expected)
    }

    @Test func `names weights by the checksums of their pieces`() {
        let weights = (0..<90_001).map { Float($0) }
        let pieces = stride(from: 0, to: weights.count, by: 32_768).map { first in
            weights[first..<min(weights.count, first + 32_768)].withUnsafeBytes { checksum($0) }
        }
        #expect(pieces.count == 3)
        let whole = weights.withUnsafeBytes { WeightsChecksum.of($0) }
        #expect(whole == WeightsChecksum.of(pieces: pieces))
        #expect(whole == pieces.withUnsafeBytes { checksum($0) })
    }
}
