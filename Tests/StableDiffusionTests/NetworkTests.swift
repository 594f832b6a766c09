import Layers
import Testing
import Torch

@testable import StableDiffusion

/// Each network against what transformers and diffusers say of it, in fp32: relative error at most 1e-5.
@Suite struct `The networks` {
    private func weights(_ model: String, _ part: ModelPart) throws -> (Weights, ModelConfiguration) {
        let checkpoint = try Checkpoint(at: Fixtures.folder(model))
        return (Weights(try checkpoint.weights(of: part, as: .float32)), checkpoint.configuration)
    }

    private func tensor(_ name: String, _ tensors: [String: Tensor]) throws -> Tensor { try #require(tensors[name]) }

    @Test(arguments: models) func `encode text as transformers does`(model: String) throws {
        let (weights, configuration) = try weights(model, .textEncoder)
        let encoder = try TextEncoder(weights, configuration.textEncoder)
        let expected = try Fixtures.tensors("parts/\(model).text_encoder")
        for (length, skip) in [(75, 1), (75, 2), (150, 2), (225, 1)] {
            let ids = try tensor("input_ids.\(length)", expected)
            let states = try encoder(ids, clipSkip: skip)
            #expect(
                try relativeError(states, tensor("hidden_states.\(length).clip_skip_\(skip)", expected)) < 1e-5,
                "\(length) tokens, clip skip \(skip)")
        }
    }

    @Test(arguments: models) func `encode captions, not only token numbers`(model: String) throws {
        let (weights, configuration) = try weights(model, .textEncoder)
        let encoder = try TextEncoder(weights, configuration.textEncoder)
        let tokenizer = try Checkpoint(at: Fixtures.folder(model)).tokenizer()
        let expected = try Fixtures.tensors("parts/\(model).text_encoder")
        let captions = [
            "horse on a blue background", "",
            String(repeating: "a red apple, 2 bananas & the cat's guitar! ", count: 12),
        ]
        let chunks = captions.map { PromptChunks($0, tokenizer: tokenizer, limit: 225) }
        #expect(
            try chunks.flatMap { $0.rows.flatMap { $0 } } == tensor("input_ids.225", expected).integers())
        #expect(
            try relativeError(encoder(chunks), tensor("hidden_states.225.clip_skip_1", expected)) < 1e-5)
    }

    @Test(arguments: models) func `refuse a clip skip deeper than the text encoder`(model: String) throws {
        let (weights, configuration) = try weights(model, .textEncoder)
        let encoder = try TextEncoder(weights, configuration.textEncoder)
        let ids = try Tensor.of(Array(repeating: 0, count: 77), shape: [1, 1, 77])
        #expect { try encoder(ids, clipSkip: 5) } throws: { "\($0)".contains("clip_skip: is 5, but") }
    }

    @Test(arguments: models, ["", "odd."]) func `predict noise as diffusers does`(model: String, prefix: String) throws
    {
        let (weights, configuration) = try weights(model, .unet)
        let unet = try UNet(weights, configuration.unet)
        let expected = try Fixtures.tensors("parts/\(model).unet")
        let prediction = try unet(
            tensor(prefix + "latents", expected), timesteps: tensor(prefix + "timesteps", expected),
            context: tensor(prefix + "encoder_hidden_states", expected))
        #expect(try relativeError(prediction, tensor(prefix + "output", expected)) < 1e-5)
    }

    private func addedConditions(_ prefix: String, _ tensors: [String: Tensor]) throws -> AddedConditions {
        try AddedConditions(
            text: tensor(prefix + "text_embeds", tensors), sizes: tensor(prefix + "time_ids", tensors))
    }

    @Test(arguments: ["", "odd."])
    func `predict noise as diffusers does when told of sizes and the whole text, too`(prefix: String) throws {
        let checkpoint = try UNetCheckpoint(at: Fixtures.folder("tiny-sdxl"))
        let unet = try UNet(Weights(checkpoint.weights(as: .float32)), checkpoint.configuration)
        let expected = try Fixtures.tensors("parts/tiny-sdxl.unet")
        let prediction = try unet(
            tensor(prefix + "latents", expected), timesteps: tensor(prefix + "timesteps", expected),
            context: tensor(prefix + "encoder_hidden_states", expected), added: addedConditions(prefix, expected))
        #expect(try relativeError(prediction, tensor(prefix + "output", expected)) < 1e-5)
    }

    @Test func `say what they must be told`() throws {
        let checkpoint = try UNetCheckpoint(at: Fixtures.folder("tiny-sdxl"))
        let unet = try UNet(Weights(checkpoint.weights(as: .float32)), checkpoint.configuration)
        let expected = try Fixtures.tensors("parts/tiny-sdxl.unet")
        #expect {
            try unet(
                tensor("latents", expected), timesteps: tensor("timesteps", expected),
                context: tensor("encoder_hidden_states", expected))
        } throws: {
            "\($0)".contains("must be told the whole text and the picture's sizes")
        }
    }

    @Test(arguments: [ScalarType.float32, .bfloat16])
    func `give the same bits whether there is room for their weights' layouts or not`(type: ScalarType) throws {
        let checkpoint = try Checkpoint(at: Fixtures.folder("tiny-sd1"))
        let expected = try Fixtures.tensors("parts/tiny-sd1.unet")
        func gradient(_ room: MemoryRoom) throws -> [[Float]] {
            let weights = try Weights(checkpoint.weights(of: .unet, as: type), room: room)
            let unet = try UNet(weights, checkpoint.configuration.unet)
            let latents = try tensor("latents", expected).cloned()
            latents.requiresGradient = true
            // The second time, what was kept is used again.
            return try (0..<2).flatMap { _ in
                let prediction = try unet(
                    latents, timesteps: tensor("timesteps", expected),
                    context: tensor("encoder_hidden_states", expected))
                let loss = try prediction.to(.float32).squared().mean()
                let gradient = try #require(try gradients(of: loss, withRespectTo: [latents])[0])
                return [try prediction.floats(), try gradient.floats()]
            }
        }
        var asked = 0
        let some = MemoryRoom { _ in
            asked += 1
            return asked % 3 == 0
        }
        let kept = try gradient(.unlimited)
        #expect(try gradient(.none) == kept)
        #expect(try gradient(some) == kept)
        #expect(asked > 100)
    }

    @Test(arguments: models) func `predict the same with every block computed twice`(model: String) throws {
        let (weights, configuration) = try weights(model, .unet)
        let unet = try UNet(weights, configuration.unet)
        let expected = try Fixtures.tensors("parts/\(model).unet")
        let latents = try tensor("latents", expected).cloned()
        latents.requiresGradient = true
        func gradient(_ checkpoints: ActivationCheckpoints?) throws -> Tensor {
            let prediction = try unet(
                latents, timesteps: tensor("timesteps", expected), context: tensor("encoder_hidden_states", expected),
                checkpoints: checkpoints)
            let loss = try meanSquaredError(prediction, tensor("latents", expected))
            return try #require(try gradients(of: loss, withRespectTo: [latents])[0])
        }
        #expect(try relativeError(gradient(ActivationCheckpoints { _ in [] }), gradient(nil)) < 1e-6)
    }

    @Test(arguments: models) func `encode and decode pictures as diffusers does`(model: String) throws {
        let (weights, configuration) = try weights(model, .autoencoder)
        let autoencoder = try Autoencoder(weights, configuration.autoencoder)
        let expected = try Fixtures.tensors("parts/\(model).vae")
        let (mean, logVariance) = try autoencoder.encode(tensor("pixels", expected))
        #expect(try relativeError(mean, tensor("mean", expected)) < 1e-5)
        #expect(try relativeError(logVariance, tensor("logvar", expected)) < 1e-5)
        let decoded = try autoencoder.decode(tensor("latents", expected))
        #expect(try relativeError(decoded, tensor("decoded", expected)) < 1e-5)
        let latents = try tensor("latents", expected)
        #expect(try relativeError(autoencoder.unscaled(autoencoder.scaled(latents)), latents) < 1e-6)
    }

    @Test(arguments: models) func `ask for an adaptation at every layer by its place`(model: String) throws {
        final class Places: AdaptationPlan {
            var asked: [String: [Int]] = [:]
            func adaptation(at path: String, shape: [Int]) -> (any Adaptation)? {
                asked[path] = shape
                return nil
            }
        }
        let checkpoint = try Checkpoint(at: Fixtures.folder(model))
        let places = Places()
        _ = try UNet(
            Weights(checkpoint.weights(of: .unet, as: .float32), adaptedBy: places), checkpoint.configuration.unet)
        _ = try TextEncoder(
            Weights(checkpoint.weights(of: .textEncoder, as: .float32), adaptedBy: places),
            checkpoint.configuration.textEncoder)
        let matrices = [ModelPart.unet, .textEncoder].flatMap { checkpoint.configuration.parameters(of: $0).parameters }
            .filter { $0.shape.count > 1 && !$0.name.contains("embeddings") }
        #expect(places.asked.count == matrices.count)
        for matrix in matrices { #expect(places.asked[String(matrix.name.dropLast(".weight".count))] == matrix.shape) }
    }
}
