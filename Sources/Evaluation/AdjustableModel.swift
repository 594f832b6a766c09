import Adapters
import Layers
import Recipe
import StableDiffusion
import Torch

/// A base model with LoRA files on it, whose weight can be changed: 0 is the base model, bit for bit.
final class AdjustableModel {
    private let unet: UNet
    private let textEncoder: TextEncoder
    private let tokenizer: Tokenizer
    private let adapters: [AppliedAdapters]
    private let recipe: BaseModel
    private let rowLength: Int
    private let device: Device
    private var contexts: [String: Tensor] = [:]

    /// - Throws: `AdapterError` where a file was made for another model.
    init(
        _ checkpoint: Checkpoint, recipe: BaseModel, loras: [(file: LoRAFile, weight: Double)],
        computing type: ScalarType, device: Device
    ) throws {
        self.recipe = recipe
        self.device = device
        tokenizer = try checkpoint.tokenizer()
        rowLength = checkpoint.configuration.textEncoder.rowLength
        let onText = AppliedAdapters(loras, part: .textEncoder, device: device)
        let onUNet = AppliedAdapters(loras, part: .unet, device: device)
        adapters = [onText, onUNet]
        textEncoder = try TextEncoder(
            Weights(checkpoint.weights(of: .textEncoder, as: type, on: device), adaptedBy: onText),
            checkpoint.configuration.textEncoder)
        unet = try UNet(
            Weights(checkpoint.weights(of: .unet, as: type, on: device), adaptedBy: onUNet),
            checkpoint.configuration.unet)
        for part in adapters { try part.requireAllPlaced() }
    }

    /// What the files' own weights are multiplied by.
    var weight = 1.0 {
        didSet {
            for part in adapters { part.multiplier = weight }
            contexts.removeAll()
        }
    }

    /// The model's answer, fp32, of the latents' shape.
    ///
    /// - Parameters:
    ///   - noisy: `[timesteps, channels, height, width]`.
    ///   - prompt: the same for all of them.
    func prediction(_ noisy: Tensor, timesteps: [Int], prompt: String) throws -> Tensor {
        try withoutGradients {
            let context = try context(of: prompt)
            let shape = [timesteps.count] + Array(context.shape.dropFirst())
            return try unet(
                noisy, timesteps: Tensor.of(timesteps).to(device), context: context.expanded(shape).contiguous()
            ).to(.float32)
        }
    }

    private func context(of prompt: String) throws -> Tensor {
        if let known = contexts[prompt] { return known }
        let chunks = PromptChunks(
            prompt, tokenizer: tokenizer, limit: recipe.maxTokenLength, rowLength: rowLength)
        let made = try textEncoder([chunks], clipSkip: recipe.clipSkip, on: device)
        contexts[prompt] = made
        return made
    }
}

extension Tensor {
    /// The mean of the squares of all elements.
    func meanSquare() throws -> Double { try squared().mean().item() }
}
