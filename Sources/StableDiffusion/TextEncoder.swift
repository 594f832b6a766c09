package import Layers
package import Torch

/// CLIP's text transformer: rows of tokens to the states that the UNet looks at.
///
/// Agrees with transformers' `CLIPTextModel`. Radford et al., 2021, section 2.4, <https://arxiv.org/abs/2103.00020>.
package struct TextEncoder {
    private let tokens: Embedding
    private let positions: Embedding
    private let layers: [TextEncoderLayer]
    private let finalNorm: LayerNorm

    package init(_ weights: Weights, _ configuration: TextEncoderConfiguration) throws {
        let model = weights / "text_model"
        let width = configuration.width
        tokens = try Embedding(
            model / "embeddings" / "token_embedding", rows: configuration.vocabularySize, width: width)
        positions = try Embedding(
            model / "embeddings" / "position_embedding", rows: configuration.rowLength, width: width)
        layers = try (0..<configuration.layers).map { layer in
            try TextEncoderLayer(model / "encoder" / "layers" / layer, configuration)
        }
        finalNorm = try LayerNorm(model / "final_layer_norm", features: width, epsilon: configuration.normEpsilon)
    }

    /// The states of captions, each cut into the same number of rows.
    ///
    /// - Parameters:
    ///   - captions: as many rows in each.
    ///   - clipSkip: which layer's states are taken, counted from the last; 1 is the last.
    /// - Returns: `[captions, 75 · rows + 2, width]`.
    package func callAsFunction(
        _ captions: [PromptChunks], clipSkip: Int = 1, on device: Device = .cpu,
        checkpoints: ActivationCheckpoints? = nil
    ) throws -> Tensor {
        let rows = captions.first?.rows.count ?? 0
        let length = captions.first?.rows.first?.count ?? 0
        let ids = captions.flatMap { $0.rows.flatMap { $0 } }
        let tokens = try Tensor.of(ids, shape: [captions.count, rows, length]).to(device)
        return try self(tokens, clipSkip: clipSkip, checkpoints: checkpoints)
    }

    /// The states of captions as token numbers, int64 `[captions, rows, rowLength]`; see the other.
    package func callAsFunction(
        _ ids: Tensor, clipSkip: Int = 1, checkpoints: ActivationCheckpoints? = nil
    ) throws -> Tensor {
        let captions = ids.shape[0]
        let rows = ids.shape[1]
        let length = ids.shape[2]
        let states = try hiddenStates(
            ids.reshaped([captions * rows, length]), clipSkip: clipSkip, checkpoints: checkpoints)
        let width = states.shape[2]
        guard rows > 1 else { return states }
        let joined = PromptChunks.joined(chunks: rows, rowLength: length).map { $0.row * length + $0.column }
        return try states.reshaped([captions, rows * length, width])
            .selected(1, at: Tensor.of(joined).to(states.device))
    }

    /// The normed states of rows of tokens after one of the last layers.
    ///
    /// - Parameter ids: int64, `[rows, rowLength]`.
    /// - Returns: `[rows, rowLength, width]`.
    func hiddenStates(_ ids: Tensor, clipSkip: Int, checkpoints: ActivationCheckpoints?) throws -> Tensor {
        guard (1...layers.count).contains(clipSkip) else {
            throw ModelError(
                "clip_skip",
                "is \(clipSkip), but the text encoder has \(layers.count) layers; it must be in 1...\(layers.count)")
        }
        let places = try positions.table.narrowed(0, from: 0, length: ids.shape[1])
        var states = try tokens(ids) + places
        for layer in layers.prefix(layers.count - clipSkip + 1) {
            states = try recompute(layer.place, [states], checkpoints) { try layer($0[0]) }
        }
        return try finalNorm(states)
    }
}

/// One layer: what precedes each token is attended to, then a perceptron.
private struct TextEncoderLayer {
    let place: String
    private let norm1: LayerNorm
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let out: Linear
    private let norm2: LayerNorm
    private let fc1: Linear
    private let fc2: Linear
    private let heads: Int
    private let activation: TextEncoderConfiguration.Activation

    init(_ weights: Weights, _ configuration: TextEncoderConfiguration) throws {
        let width = configuration.width
        let inner = configuration.innerWidth
        let attention = weights / "self_attn"
        place = weights.path
        norm1 = try LayerNorm(weights / "layer_norm1", features: width, epsilon: configuration.normEpsilon)
        query = try Linear(attention / "q_proj", inputs: width, outputs: width, bias: true)
        key = try Linear(attention / "k_proj", inputs: width, outputs: width, bias: true)
        value = try Linear(attention / "v_proj", inputs: width, outputs: width, bias: true)
        out = try Linear(attention / "out_proj", inputs: width, outputs: width, bias: true)
        norm2 = try LayerNorm(weights / "layer_norm2", features: width, epsilon: configuration.normEpsilon)
        fc1 = try Linear(weights / "mlp" / "fc1", inputs: width, outputs: inner, bias: true)
        fc2 = try Linear(weights / "mlp" / "fc2", inputs: inner, outputs: width, bias: true)
        heads = configuration.heads
        activation = configuration.activation
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let normed = try norm1(x)
        let attended = try multiHeadAttention(
            query(normed), key(normed), value(normed), heads: heads, causal: true)
        let x = try x + out(attended)
        return try x + fc2(activated(fc1(norm2(x))))
    }

    private func activated(_ x: Tensor) throws -> Tensor {
        switch activation {
        case .quickGelu: try quickGELU(x)
        case .gelu: try gelu(x)
        }
    }
}
