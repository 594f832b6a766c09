import Adapters
import Layers
import StableDiffusion
import Testing
import Torch

@Suite struct `LoRA files put on a model` {
    private let path = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"

    private func file() throws -> LoRAFile {
        try LoRAFile(path: Fixtures.path("training/tiny-sd1.adapter.safetensors"))
    }

    private func unet(_ model: String) throws -> CheckpointPart {
        try Fixtures.checkpoint(model).weights(of: .unet, as: .float32)
    }

    /// A layer of the fixture's UNet, adapted by `plan`.
    private func layer(_ source: any TensorSource, _ plan: (any AdaptationPlan)? = nil) throws -> Linear {
        let shape = try #require(source.shape(of: path + ".weight"))
        let place = path.split(separator: ".").reduce(Weights(source, adaptedBy: plan)) { $0 / String($1) }
        return try Linear(place, inputs: shape[1], outputs: shape[0])
    }

    @Test func `merged do what they do beside the model`() throws {
        let source = try unet("tiny-sd1")
        let width = try #require(source.shape(of: path + ".weight"))[1]
        let x = try noise("x", [2, 5, width])
        for files in [[(try file(), 1.0)], [(try file(), 0.5), (try file(), -0.2)]] {
            let beside = try layer(source, AppliedAdapters(files, part: .unet))(x)
            let merged = try layer(MergedWeights(source, with: AppliedAdapters(files, part: .unet)))(x)
            #expect(try relativeError(beside, merged) <= 1e-5)
            #expect(try relativeError(layer(source)(x), merged) > 1e-3)
        }
    }

    @Test func `with weights that add up to nothing leave the model as it is`() throws {
        let source = try unet("tiny-sd1")
        let width = try #require(source.shape(of: path + ".weight"))[1]
        let x = try noise("x", [2, 5, width])
        let plan = AppliedAdapters([(try file(), 0.7), (try file(), -0.7)], part: .unet)
        #expect(try relativeError(layer(source, plan)(x), layer(source)(x)) <= 1e-5)
    }

    @Test func `that the model has no layers for are refused by file and key`() throws {
        let plan = AppliedAdapters([(try file(), 1)], part: .unet)
        _ = try layer(unet("tiny-sd1"), plan)
        let error = try #require(throws: AdapterError.self) { try plan.requireAllPlaced() }
        #expect(error.description.hasPrefix(try file().path + ": the model has no layer for 'lora_unet_"))

        let whole = AppliedAdapters([(try file(), 1)], part: .unet)
        let merged = MergedWeights(try unet("tiny-sd1"), with: whole)
        for parameter in try Fixtures.checkpoint("tiny-sd1").configuration.unet.parameters.parameters {
            _ = try merged.tensor(parameter.name)
        }
        try whole.requireAllPlaced()
    }

    @Test func `for a model of other widths are refused with key and both shapes`() throws {
        let plan = AppliedAdapters([(try file(), 1)], part: .unet)
        let source = try unet("tiny-sd2")
        let error = try #require(throws: AdapterError.self) { try layer(source, plan) }
        guard case .doesNotFit(_, let key, let found, let wanted) = error else {
            Issue.record("refused for another reason: \(error)")
            return
        }
        #expect(key == AdaptedPart.unet.key(of: path) + ".lora_down.weight")
        #expect(found == [3, 9] && wanted == [3, 10])
    }
}
