import Recipe
import StableDiffusion
import Torch

/// What the UNet is told of a slot's captions.
///
/// When the text encoder is trained, the captions of a slot are encoded together, on the tape. When it is not, each
/// caption is encoded by itself, once, and kept: so what a sample sees does not depend on its neighbours.
final class Conditioning {
    private let model: AdaptedModel
    private let tokenizer: Tokenizer
    private let recipe: BaseModel
    private let isTrained: Bool
    private let rowLength: Int
    private var known: [String: Tensor] = [:]
    /// Captions that are kept; more would be a data set whose captions vary, in which few come again.
    private static let capacity = 4096

    init(_ model: AdaptedModel, tokenizer: Tokenizer, recipe: Recipe, rowLength: Int) {
        self.model = model
        self.tokenizer = tokenizer
        self.recipe = recipe.model
        isTrained = recipe.network.trainsTextEncoder
        self.rowLength = rowLength
    }

    /// `[captions, words, width]`.
    func context(of captions: [String], checkpoints: ActivationCheckpoints?) throws -> Tensor {
        if isTrained { return try encode(captions, checkpoints: checkpoints) }
        return try withoutGradients {
            try Tensor.concatenate(captions.map(kept), along: 0)
        }
    }

    private func kept(_ caption: String) throws -> Tensor {
        if let states = known[caption] { return states }
        let states = try encode([caption], checkpoints: nil)
        if known.count >= Self.capacity { known.removeAll() }
        known[caption] = states
        return states
    }

    private func encode(_ captions: [String], checkpoints: ActivationCheckpoints?) throws -> Tensor {
        let chunks = captions.map {
            PromptChunks($0, tokenizer: tokenizer, limit: recipe.maxTokenLength, rowLength: rowLength)
        }
        return try model.textEncoder()(
            chunks, clipSkip: recipe.clipSkip, on: model.device, checkpoints: checkpoints)
    }
}
