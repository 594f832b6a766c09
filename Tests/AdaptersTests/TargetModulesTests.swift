import Adapters
import Safetensors
import StableDiffusion
import Testing

@Suite struct `The layers that a LoRA adapts` {
    @Test func `are 192 of the UNet and 72 of the text encoder of SD 1.5`() {
        let layers = ModelConfiguration.stableDiffusion1.adaptedLayers(rank: 4)
        #expect(layers.filter { $0.part == .unet }.count == 192)
        #expect(layers.filter { $0.part == .textEncoder }.count == 72)
    }

    @Test func `stand in the order in which kohya's modules register themselves`() {
        let parameters = ModelConfiguration.stableDiffusion1.unet.parameters.parameters
        let layers = TargetModules.layers(
            of: .unet, among: parameters.reversed().map { ($0.name, $0.shape) }, rank: 4, alpha: 1)
        #expect(
            layers.prefix(12).map { $0.path.dropFirst("down_blocks.0.attentions.0.".count) } == [
                "proj_in",
                "transformer_blocks.0.attn1.to_q", "transformer_blocks.0.attn1.to_k", "transformer_blocks.0.attn1.to_v",
                "transformer_blocks.0.attn1.to_out.0", "transformer_blocks.0.ff.net.0.proj",
                "transformer_blocks.0.ff.net.2", "transformer_blocks.0.attn2.to_q", "transformer_blocks.0.attn2.to_k",
                "transformer_blocks.0.attn2.to_v", "transformer_blocks.0.attn2.to_out.0", "proj_out",
            ])
        #expect(layers[12].path == "down_blocks.0.attentions.1.proj_in")
        #expect(layers.last?.path == "mid_block.attentions.0.proj_out")

        let text = ModelConfiguration.stableDiffusion1.adaptedLayers([.textEncoder], rank: 4)
        #expect(
            text.prefix(7).map { $0.path.split(separator: ".").last }
                == ["k_proj", "v_proj", "q_proj", "out_proj", "fc1", "fc2", "k_proj"])
        #expect(text.last?.path == "text_model.encoder.layers.11.mlp.fc2")
    }

    @Test func `have kohya's keys`() {
        #expect(
            AdaptedPart.unet.key(of: "up_blocks.1.attentions.2.transformer_blocks.0.attn2.to_out.0")
                == "lora_unet_up_blocks_1_attentions_2_transformer_blocks_0_attn2_to_out_0")
        #expect(
            AdaptedPart.textEncoder.key(of: "text_model.encoder.layers.11.self_attn.out_proj")
                == "lora_te_text_model_encoder_layers_11_self_attn_out_proj")
    }

    @Test(arguments: ["tiny-sd1", "tiny-sd2"])
    func `are, key by key and shape by shape, those of a file in kohya's format`(model: String) throws {
        let table = try Fixtures.table(model)
        let file = try SafetensorsFile(path: Fixtures.path("training/\(model).adapter.safetensors"))
        let ours = Dictionary(uniqueKeysWithValues: table.entries.map { ($0.name, $0.shape) })
            .merging(table.layers.map { ("\($0.key).alpha", []) }) { $1 }
        #expect(ours == file.entries.mapValues(\.shape))
    }
}
