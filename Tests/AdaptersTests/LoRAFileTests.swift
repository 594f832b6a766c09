import Adapters
import Foundation
import Safetensors
import StableDiffusion
import Testing

@Suite struct `A LoRA file` {
    /// A table of one linear layer and one 1×1 convolution.
    private func smallTable(rank: Int = 2, alpha: Double = 4) throws -> ShapeTable {
        try ShapeTable([
            AdaptedLayer(
                part: .textEncoder, path: "text_model.encoder.layers.0.mlp.fc1", shape: [5, 3], rank: rank, alpha: alpha
            ),
            AdaptedLayer(
                part: .unet, path: "mid_block.attentions.0.proj_in", shape: [4, 4, 1, 1], rank: rank, alpha: alpha),
        ])
    }

    private func weights(_ table: ShapeTable) -> [Float] { uniform("weights", table.count).map { 2 * $0 - 1 } }

    @Test func `of rank 8 for SD 1.5 in fp16 is 9.0 MiB and has kohya's 792 tensors`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("rank8.safetensors")
        let table = try ShapeTable(ModelConfiguration.stableDiffusion1.adaptedLayers(rank: 8, alpha: 4))
        let weights = [Float](repeating: 0.25, count: table.count)
        try LoRAFile.write(table, weights: weights, precision: .fp16, metadata: AdapterMetadata().entries, to: path)

        let file = try SafetensorsFile(path: path)
        let size = try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        #expect(size == file.header.byteCount + table.dataByteCount(as: .fp16))
        #expect(String(format: "%.1f", Double(file.data.count) / 1_048_576) == "9.0")
        #expect(file.names.count == 792)
        #expect(file.names == file.names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        let key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
        #expect(try file.entry(key + ".lora_down.weight").shape == [8, 768])
        #expect(try file.entry(key + ".lora_up.weight").shape == [320, 8])
        #expect(try file.entry(key + ".alpha").shape == [])
        #expect(try file.floats(of: key + ".alpha") == [4])
        #expect(try file.entry("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight").shape == [8, 1280, 1, 1])
        #expect(try file.entry("lora_te_text_model_encoder_layers_3_mlp_fc1.lora_up.weight").shape == [3072, 8])
    }

    @Test(arguments: SavePrecision.allCases)
    func `gives back what was written`(precision: SavePrecision) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        let table = try Fixtures.table("tiny-sd2")
        let weights = weights(table)
        try LoRAFile.write(table, weights: weights, precision: precision, metadata: ["ss_epoch": "3"], to: path)
        let file = try LoRAFile(path: path)
        let back = try table.weights(continuing: file, initial: [Float](repeating: 0, count: table.count))
        let rounded = weights.map { weight in
            switch precision {
            case .fp32: weight
            case .fp16: Float(Float16(weight))
            case .bf16: weight
            }
        }
        if precision == .bf16 {
            #expect(zip(back, weights).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
            #expect(back != weights)
        } else {
            #expect(back == rounded)
        }
        #expect(file.metadata["ss_epoch"] == "3")
        #expect(file.metadata["sshs_model_hash"] == file.tensorDataHash)
        #expect(file.metadata["sshs_legacy_hash"]?.count == 8)
        #expect(file.modules.values.allSatisfy { $0.rank == 3 && $0.alpha == 2 })
    }

    @Test(arguments: ["tiny-sd1", "tiny-sd2"])
    func `made by another tool is written again with the same bytes after the header`(model: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("again.safetensors")
        let table = try Fixtures.table(model)
        let original = try LoRAFile(path: Fixtures.path("training/\(model).adapter.safetensors"))
        let weights = try table.weights(continuing: original, initial: [Float](repeating: 0, count: table.count))
        try LoRAFile.write(table, weights: weights, precision: .fp32, metadata: [:], to: path)
        #expect(try LoRAFile(path: path).tensorDataHash == original.tensorDataHash)
    }

    @Test func `keeps its change when it is continued at another alpha`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        let weights = weights(try smallTable(alpha: 4))
        try LoRAFile.write(smallTable(alpha: 4), weights: weights, precision: .fp32, metadata: [:], to: path)
        let table = try smallTable(alpha: 1)
        let continued = try table.weights(continuing: LoRAFile(path: path), initial: weights.map { _ in 0 })
        for entry in table.entries {
            let factor: Float = entry.group.half == .up ? 4 : 1
            #expect(Array(continued[entry.range]) == weights[entry.range].map { $0 * factor })
        }
    }

    @Test func `of fewer layers leaves the others as they were`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        let table = try smallTable()
        let part = try ShapeTable(table.layers.filter { $0.part == .unet })
        try LoRAFile.write(part, weights: weights(part), precision: .fp32, metadata: [:], to: path)
        let initial = [Float](repeating: 7, count: table.count)
        let continued = try table.weights(continuing: LoRAFile(path: path), initial: initial)
        #expect(continued.filter { $0 == 7 }.count == table.count - part.count)
        #expect(Array(continued.suffix(part.count)) == weights(part))
    }

    @Test func `that does not fit the model is refused with key and both shapes`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        let table = try smallTable()
        try LoRAFile.write(table, weights: weights(table), precision: .fp32, metadata: [:], to: path)
        let file = try LoRAFile(path: path)

        func refusal(_ layers: [AdaptedLayer]) throws -> AdapterError {
            let other = try ShapeTable(layers)
            let initial = [Float](repeating: 0, count: other.count)
            return try #require(throws: AdapterError.self) { try other.weights(continuing: file, initial: initial) }
        }
        let wider = AdaptedLayer(
            part: .unet, path: "mid_block.attentions.0.proj_in", shape: [6, 4, 1, 1], rank: 2, alpha: 4)
        let error = try refusal([table.layers[0], wider])
        #expect(
            error
                == .doesNotFit(
                    file: path, key: "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", found: [4, 2, 1, 1],
                    wanted: [6, 2, 1, 1]))
        #expect(error.description.contains("[4, 2, 1, 1]") && error.description.contains("[6, 2, 1, 1]"))
        #expect(
            try refusal(smallTable(rank: 3).layers)
                == .doesNotFit(
                    file: path, key: "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", found: [2, 3],
                    wanted: [3, 3]))
        #expect(
            try refusal([table.layers[1]])
                == .noSuchLayer(file: path, key: "lora_te_text_model_encoder_layers_0_mlp_fc1", others: 0))
        let stranger = AdaptedLayer(
            part: .unet, path: "up_blocks.0.attentions.0.proj_in", shape: [4, 4], rank: 2, alpha: 4)
        #expect(try refusal([stranger]) == .nothingInCommon(file: path, parts: [.unet]))
    }

    @Test(arguments: [
        ("unet.mid_block.attentions.0.proj_in", ".lora_A.weight", ".lora_B.weight"),
        ("unet.mid_block.attentions.0.proj_in", ".lora.down.weight", ".lora.up.weight"),
        ("mid_block.attentions.0.proj_in", ".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
        ("base_model.model.mid_block.attentions.0.proj_in", ".lora_A.default.weight", ".lora_B.default.weight"),
        ("lora_unet_mid_block_attentions_0_proj_in", ".lora_down.weight", ".lora_up.weight"),
    ])
    func `may name its layers as diffusers and PEFT do`(layer: String, down: String, up: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        try SafetensorsWriter([
            OutgoingTensor(name: layer + down, shape: [2, 4], floats: Array(repeating: 1, count: 8)),
            OutgoingTensor(name: layer + up, shape: [4, 2], floats: Array(repeating: 2, count: 8)),
        ]).write(to: path)
        let module = try #require(LoRAFile(path: path).modules["lora_unet_mid_block_attentions_0_proj_in"])
        #expect(module.rank == 2)
        #expect(module.alpha == 2, "without an alpha, the scale is 1")
    }

    @Test(arguments: [
        (
            "unet.up_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora",
            "lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn1_to_out_0"
        ),
        (
            "unet.up_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora",
            "lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
        ),
        (
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer",
            "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
        ),
        ("text_encoder.encoder.layers.0.mlp.fc1.lora", "lora_te_text_model_encoder_layers_0_mlp_fc1"),
    ])
    func `may come from an early diffusers`(name: String, key: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        try SafetensorsWriter([
            OutgoingTensor(name: name + ".down.weight", shape: [1, 2], floats: [1, 2]),
            OutgoingTensor(name: name + ".up.weight", shape: [2, 1], floats: [1, 2]),
        ]).write(to: path)
        #expect(try Array(LoRAFile(path: path).modules.keys) == [key])
    }

    @Test func `that is another thing, or half of one, is refused by key`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        let key = "lora_unet_mid_block_attentions_0_proj_in"
        func refusal(_ tensors: [(String, [Int], Float)]) throws -> AdapterError {
            let tensors = tensors.map { name, shape, value in
                OutgoingTensor(
                    name: name, shape: shape, floats: Array(repeating: value, count: shape.reduce(1, *)))
            }
            try SafetensorsWriter(tensors).write(to: path)
            return try #require(throws: AdapterError.self) { try LoRAFile(path: path) }
        }
        let (down, up) = ("\(key).lora_down.weight", "\(key).lora_up.weight")
        #expect(try refusal([]) == .noAdapters(file: path))
        #expect(
            try refusal([("model.diffusion_model.x.weight", [1], 0)])
                == .unknownKey(file: path, key: "model.diffusion_model.x.weight"))
        #expect(
            try refusal([("lora_te1_text_model_x.lora_down.weight", [1, 1], 0)])
                == .unknownKey(file: path, key: "lora_te1_text_model_x.lora_down.weight"))
        #expect(
            try refusal([("\(key).hada_w1_a", [1, 1], 0)])
                == .otherMethod(file: path, key: "\(key).hada_w1_a", method: "LoHa"))
        #expect(try refusal([(down, [1, 4], 0)]) == .incomplete(file: path, key: down, lacks: "lora_up"))
        #expect(try refusal([(up, [4, 1], 0)]) == .incomplete(file: path, key: up, lacks: "lora_down"))
        #expect(
            try refusal([(down, [1, 4], 0), (up, [4, 2], 0)])
                == .ranksDiffer(file: path, key: key, down: [1, 4], up: [4, 2]))
        #expect(
            try refusal([(down, [4], 0), (up, [4, 2], 0)])
                == .ranksDiffer(file: path, key: key, down: [4], up: [4, 2]))
        for (shape, value) in [([2], Float(1)), ([], .nan), ([], -1)] {
            #expect(
                try refusal([(down, [1, 4], 0), (up, [4, 1], 0), ("\(key).alpha", shape, value)])
                    == .badAlpha(file: path, key: "\(key).alpha"))
        }
    }

    @Test func `is not written with numbers that its format cannot hold`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        let table = try smallTable()
        for (value, precision) in [
            (Float(70_000), SavePrecision.fp16), (.nan, .fp32), (.infinity, .bf16), (3.4e38, .bf16),
        ] {
            var weights = weights(table)
            weights[3] = value
            let error = try #require(throws: AdapterError.self) {
                try LoRAFile.write(table, weights: weights, precision: precision, metadata: [:], to: path)
            }
            #expect(error.description.contains(table.entries[0].name))
        }
        #expect(throws: AdapterError.wrongCount(expected: table.count, actual: 1)) {
            try LoRAFile.write(table, weights: [1], precision: .fp32, metadata: [:], to: path)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
