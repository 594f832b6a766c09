import Foundation
import Safetensors
import Testing

@Suite struct `A safetensors file` {
    @Test func `written here has the bytes that the reference implementation writes`() throws {
        // Tensor, metadata and bytes as safetensors 0.8.0 gives them (Python, `safetensors.torch.save`).
        let header =
            #"{"__metadata__":{"ss_note":"a/b \"c\""},"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"#
            + #""weight":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},"#
            + #""é\"\\/\n\u0001":{"dtype":"F32","shape":[0,3],"data_offsets":[24,24]},"#
            + #""a":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"b":{"dtype":"F16","shape":[3],"data_offsets":[26,32]}} "#
        let data: [UInt8] = [
            0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0x40, 0, 0x3C,
            0,
            0xC0, 0, 0x38,
        ]
        let expected = [0x50, 0x01, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + data

        let folder = try TemporaryFolder()
        let path = folder.path("reference.safetensors")
        let writer = try SafetensorsWriter(
            [
                OutgoingTensor(name: "b", shape: [3], floats: [1, -2, 0.5], as: .float16),
                OutgoingTensor(name: "a", shape: [], floats: [2], as: .bfloat16),
                OutgoingTensor(name: "weight", shape: [2, 2], floats: [0, 1, 2, 3]),
                OutgoingTensor(name: "é\"\\/\n\u{01}", shape: [0, 3], floats: []),
                OutgoingTensor(name: "n", type: .int64, shape: [1], bytes: [7, 0, 0, 0, 0, 0, 0, 0]),
            ], metadata: ["ss_note": "a/b \"c\""])
        try writer.write(to: path)
        #expect(try folder.read("reference.safetensors") == expected)

        let file = try SafetensorsFile(path: path)
        #expect(file.metadata == ["ss_note": "a/b \"c\""])
        #expect(file.names == ["n", "weight", "é\"\\/\n\u{01}", "a", "b"])
        #expect(try file.entry("weight").shape == [2, 2])
        #expect(try file.floats(of: "weight") == [0, 1, 2, 3])
        #expect(try file.floats(of: "a") == [2])
        #expect(try file.floats(of: "b") == [1, -2, 0.5])
        #expect(try Array(file.bytes(of: "n")) == [7, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `without tensors and metadata is an empty object padded to eight bytes`() throws {
        let folder = try TemporaryFolder()
        try SafetensorsWriter([]).write(to: folder.path("empty.safetensors"))
        #expect(try folder.read("empty.safetensors") == [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
        #expect(try SafetensorsFile(path: folder.path("empty.safetensors")).names.isEmpty)
    }

    @Test func `keeps its tensors in descending order of type, then bytewise by name`() throws {
        // The order in which safetensors 0.8.0 puts one tensor of each type.
        let order: [StoredType] = [
            .uint64, .int64, .float64, .complex64, .float32, .uint32, .int32, .bfloat16, .float16, .uint16, .int16,
            .float8E5M2FNUZ, .float8E4M3FNUZ, .float8E8M0, .float8E4M3, .float8E5M2, .int8, .uint8, .float4, .bool,
        ]
        let tensors = order.reversed().enumerated().map { index, type in
            OutgoingTensor(name: "\(index * 7 % 20)", type: type, shape: [2], bytes: [])
        }
        #expect(try SafetensorsWriter(tensors).header.tensors.map(\.type) == order)

        let sameType = ["b", "a10", "a", "Z", "é", "_"].map {
            OutgoingTensor(name: $0, type: .float32, shape: [0], bytes: [])
        }
        #expect(try SafetensorsWriter(sameType).header.tensors.map(\.name) == ["Z", "_", "a", "a10", "b", "é"])
    }

    @Test func `is read with its tensors in the order of their bytes, fields unknown skipped`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            header: #"""
                { "later" : {"data_offsets":[1,2], "shape":[1], "dtype":"U8", "x":[1.5e3,{"y":null},"z"]},
                  "sooner":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}, "__metadata__":{"\u00e9\ud83e\udd8c":"\/\t"} }
                """#, data: [1, 9])
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["sooner", "later"])
        #expect(file.metadata == ["é🦌": "/\t"])
        #expect(try Array(file.bytes(of: "later")) == [9])
    }

    @Test(arguments: [
        // Values that fp16 or bf16 must round, with what libtorch's `.to(dtype)` gives.
        (Float(1.0 / 3), UInt16(0x3555), UInt16(0x3EAB)), (65519.996, 0x7BFF, 0x4780), (65520, 0x7C00, 0x4780),
        (1e-8, 0x0000, 0x322C), (-6e-8, 0x8001, 0xB381), (3.4e38, 0x7C00, 0x7F80), (2049, 0x6800, 0x4500),
        (1.00390625, 0x3C04, 0x3F80), (1.01171875, 0x3C0C, 0x3F82), (-Float.infinity, 0xFC00, 0xFF80),
    ])
    func `rounds to nearest, ties to even, as libtorch does`(value: Float, half: UInt16, bfloat: UInt16) throws {
        let bytes = { (type: StoredType) in try [value].withUnsafeBufferPointer { try encode($0, as: type) } }
        #expect(try bytes(.float16) == [UInt8(half & 0xFF), UInt8(half >> 8)])
        #expect(try bytes(.bfloat16) == [UInt8(bfloat & 0xFF), UInt8(bfloat >> 8)])
    }

    @Test func `that is not readable as numbers says so`() throws {
        let folder = try TemporaryFolder()
        try SafetensorsWriter([OutgoingTensor(name: "ids", type: .int64, shape: [0], bytes: [])])
            .write(to: folder.path("ids.safetensors"))
        let file = try SafetensorsFile(path: folder.path("ids.safetensors"))
        #expect(throws: SafetensorsError(path: file.path, problem: .notFloats(tensor: "ids", type: .int64))) {
            try file.floats(of: "ids")
        }
        #expect(throws: SafetensorsError(path: file.path, problem: .noSuchTensor("weight"))) {
            try file.bytes(of: "weight")
        }
    }
}
