import Foundation
import Safetensors
import Testing

@Suite struct `A malformed safetensors file is refused` {
    /// The problem with a file, and its sentence names the file.
    private func problem(of path: String) throws -> SafetensorsProblem {
        let error = try #require(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
        #expect(error.description.hasPrefix("\(path): "))
        #expect(error.description.hasSuffix("."))
        return error.problem
    }

    @Test func `when it is missing, a folder, a device or empty`() throws {
        let folder = try TemporaryFolder()
        #expect(try problem(of: folder.path("none")) == .cannotOpen(reason: "No such file or directory"))
        #expect(try problem(of: folder.path) == .notAFile)
        #expect(try problem(of: "/dev/zero") == .notAFile)
        #expect(try problem(of: folder.write([])) == .tooShort(bytes: 0))
        #expect(try problem(of: folder.write([1, 2, 3])) == .tooShort(bytes: 3))
    }

    @Test func `when its header is longer than the file or than anything allowed`() throws {
        let folder = try TemporaryFolder()
        #expect(
            try problem(of: folder.write(header: "{}", length: 3)) == .headerPastEnd(headerBytes: 3, fileBytes: 10))
        #expect(
            try problem(of: folder.write(header: "{}", length: 100_000_001)) == .headerTooLong(bytes: 100_000_001))
        #expect(try problem(of: folder.write(header: "{}", length: .max)) == .headerTooLong(bytes: .max))
    }

    @Test(arguments: [
        ("", 0, "expected '{'"), ("[]", 0, "expected '{'"), ("{", 1, "expected '\"'"),
        ("{}x", 2, "something after the last brace"),
        (#"{"a"}"#, 4, "expected ':'"), (#"{"a":{"shape":[-1]}}"#, 15, "expected a whole number"),
        (#"{"a":{"shape":[1.5]}}"#, 16, "expected ']'"),
        (#"{"a":{"shape":[99999999999999999999]}}"#, 33, "a number too large for 63 bits"),
        (#"{"a":{"dtype":3}}"#, 14, "expected '\"'"), (#"{"__metadata__":{"a":1}}"#, 21, "expected '\"'"),
        (#"{"a\ud800":{}}"#, 10, "half of a surrogate pair"), (#"{"a\x":{}}"#, 5, "an unknown escape in a string"),
        ("{\"a\n\":{}}", 4, "a control character in a string"),
        (#"{"a":{"dtype":"F32"#, 18, "a string that does not end"),
        ("{\"a\":{\"x\":" + String(repeating: "[", count: 99) + "}}", 42, "values nested too deeply"),
    ])
    func `when its header is not the JSON it should be`(header: String, offset: Int, reason: String) throws {
        let folder = try TemporaryFolder()
        #expect(try problem(of: folder.write(header: header)) == .malformedHeader(offset: offset, reason: reason))
    }

    @Test func `when its header is not UTF-8`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([6, 0, 0, 0, 0, 0, 0, 0] + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D])
        #expect(try problem(of: path) == .malformedHeader(offset: 4, reason: "a string that is not UTF-8"))
    }

    @Test(arguments: [
        (#""type":"F32""#, "it has no 'dtype'"), (#""dtype":"F32","data_offsets":[0,4]"#, "it has no 'shape'"),
        (#""dtype":"F32","shape":[1]"#, "its 'data_offsets' are not two numbers, begin and end"),
        (#""dtype":"F32","shape":[1],"data_offsets":[0]"#, "its 'data_offsets' are not two numbers, begin and end"),
        (#""dtype":"F32","shape":[1],"data_offsets":[4,0]"#, "its 'data_offsets' are not two numbers, begin and end"),
    ])
    func `when an entry lacks a field`(entry: String, reason: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(header: "{\"weight\":{\(entry)}}", data: [0, 0, 0, 0])
        #expect(try problem(of: path) == .malformedEntry(tensor: "weight", reason: reason))
    }

    @Test func `when a tensor's type is unknown`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(header: #"{"weight":{"dtype":"Q4","shape":[0],"data_offsets":[0,0]}}"#)
        #expect(try problem(of: path) == .unknownType(tensor: "weight", type: "Q4"))
    }

    @Test(arguments: [
        (StoredType.float32, [2], 4), (.float16, [3], 4), (.float4, [7], 4), (.float32, [0], 4),
        (.float32, [Int.max, Int.max], 4), (.float64, [1 << 40, 1 << 40], 0), (.uint8, [Int.max / 8 + 1], 4),
    ])
    func `when a tensor's bytes are not what its type and shape take`(type: StoredType, shape: [Int], bytes: Int) throws
    {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            header: "{\"w\":{\"dtype\":\"\(type.rawValue)\",\"shape\":\(shape),\"data_offsets\":[0,\(bytes)]}}",
            data: [UInt8](repeating: 0, count: bytes))
        #expect(try problem(of: path) == .wrongSize(tensor: "w", type: type, shape: shape, bytes: bytes))
    }

    @Test(arguments: [(0, 0), (1, 1), (3, 2), (Int.max - 2, 2)])
    func `when tensors overlap or leave gaps`(begin: Int, previousEnd: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            header: """
                {"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},\
                "b":{"dtype":"U8","shape":[2],"data_offsets":[\(begin),\(begin + 2)]}}
                """, data: [0, 0, 0, 0])
        guard case .misplaced = try problem(of: path) else {
            Issue.record("overlapping or separated tensors were not noticed")
            return
        }
    }

    @Test func `when it was cut off or has something appended`() throws {
        let folder = try TemporaryFolder()
        let header = #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        let whole = 8 + header.utf8.count + 8
        #expect(
            try problem(of: folder.write(header: header, data: [UInt8](repeating: 0, count: 7)))
                == .wrongLength(expected: whole, actual: whole - 1))
        #expect(
            try problem(of: folder.write(header: header, data: [UInt8](repeating: 0, count: 9)))
                == .wrongLength(expected: whole, actual: whole + 1))
    }

    @Test func `when two tensors have one name`() throws {
        let entry = #""w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
        let folder = try TemporaryFolder()
        #expect(try problem(of: folder.write(header: "{\(entry),\(entry)}")) == .duplicateTensor("w"))
    }

    @Test func `or read, but never crashes, whatever bits flip and wherever it ends`() throws {
        let writer = try SafetensorsWriter(
            [
                OutgoingTensor(name: "lora_up.weight", shape: [2, 3], floats: [1, 2, 3, 4, 5, 6]),
                OutgoingTensor(name: "alpha é", shape: [], floats: [4], as: .float16),
            ], metadata: ["ss_epoch": "1", "ss_tag": "a \"b\" \u{01}"])
        let data = [UInt8](repeating: 7, count: 26)
        let whole = writer.header.bytes + data
        func outcome(_ bytes: [UInt8]) -> Result<SafetensorsHeader, SafetensorsProblem> {
            bytes.withUnsafeBytes { bytes in
                Result { () throws(SafetensorsProblem) in try SafetensorsHeader(parsing: bytes) }
            }
        }
        #expect(try outcome(whole).get() == writer.header)
        for length in 0..<whole.count {
            #expect(throws: SafetensorsProblem.self) { try outcome(Array(whole[..<length])).get() }
        }
        var generator = SplitMix64(state: 20_240_229)
        for _ in 0..<5_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<writer.header.byteCount, using: &generator)
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            guard case .success(let header) = outcome(bytes) else { continue }
            for tensor in header.tensors {
                #expect(tensor.range.lowerBound >= 0 && header.byteCount + tensor.range.upperBound <= bytes.count)
                #expect(tensor.type.byteCount(shape: tensor.shape) == tensor.range.count)
            }
        }
    }
}

/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
