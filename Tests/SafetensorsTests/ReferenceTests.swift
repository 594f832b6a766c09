import Foundation
import Safetensors
import Testing

@Suite struct `What the safetensors library says` {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures")

    private struct Hashes: Decodable {
        struct File: Decodable {
            let tensors: [Tensor]
            let metadata: [String: String]
            let order: [String]
            let modelHash: String
            let legacyHash: String

            enum CodingKeys: String, CodingKey {
                case tensors, metadata, order
                case modelHash = "sshs_model_hash"
                case legacyHash = "sshs_legacy_hash"
            }
        }
        struct Tensor: Decodable {
            let name: String
            let shape: [Int]
            let type: StoredType

            init(from decoder: any Decoder) throws {
                var row = try decoder.unkeyedContainer()
                name = try row.decode(String.self)
                shape = try row.decode([Int].self)
                let types = ["float16": StoredType.float16, "float32": .float32, "bfloat16": .bfloat16]
                type = try #require(types[row.decode(String.self)])
            }
        }
        let mixedOrder: [String]
        let small: File
        let large: File

        enum CodingKeys: String, CodingKey {
            case small, large
            case mixedOrder = "mixed_order"
        }
    }

    private func hashes() throws -> Hashes {
        try JSONDecoder().decode(Hashes.self, from: Data(contentsOf: Self.fixtures.appending(path: "hashes.json")))
    }

    @Test func `of the order of tensors of every type is what is read and written here`() throws {
        let file = try SafetensorsFile(path: Self.fixtures.appending(path: "mixed-types.safetensors").path())
        let order = try hashes().mixedOrder
        #expect(file.names == order)
        let copies = file.header.tensors.reversed().map {
            OutgoingTensor(name: $0.name, type: $0.type, shape: $0.shape, bytes: Array(file.bytes(of: $0)))
        }
        let writer = try SafetensorsWriter(copies, metadata: file.metadata)
        #expect(writer.header.tensors == file.header.tensors)
        #expect(try TensorHashes(of: writer).model == file.tensorDataHash)
    }

    @Test func `of tensors stored as numbers is what is read here`() throws {
        let file = try SafetensorsFile(path: Self.fixtures.appending(path: "mixed-types.safetensors").path())
        for entry in file.header.tensors where [.float16, .bfloat16, .float32, .float64].contains(entry.type) {
            #expect(
                try file.floats(of: entry.name) == (0..<entry.elementCount).map { Float($0 % 125) }, "\(entry.name)")
        }
    }

    @Test func `to be hashed in a LoRA, as kohya's scripts do it, is what is hashed here`() throws {
        for file in [try hashes().small, try hashes().large] {
            let tensors = file.tensors.map { tensor in
                let floats = (0..<tensor.shape.reduce(1, *)).map { Float($0 % 125) }
                return OutgoingTensor(name: tensor.name, shape: tensor.shape, floats: floats, as: tensor.type)
            }
            let writer = try SafetensorsWriter(tensors, metadata: file.metadata.filter { $0.key.hasPrefix("ss_") })
            #expect(writer.header.tensors.map(\.name) == file.order)
            let hashes = try TensorHashes(of: writer)
            #expect(hashes.model == file.modelHash)
            #expect(hashes.legacy == file.legacyHash)
        }
    }
}
