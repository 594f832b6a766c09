import Layers
import Torch

/// A picture's positions as tokens that attend to one another and to the text.
///
/// Agrees with diffusers' `Transformer2DModel`. Rombach et al., 2022, section 3.3, <https://arxiv.org/abs/2112.10752>.
struct SpatialTransformer {
    let place: String
    private let norm: GroupNorm
    private let projectionIn: Linear
    private let layers: [TransformerLayer]
    private let projectionOut: Linear

    init(
        _ weights: Weights, channels: Int, attention: UNetBlock.Attention, _ configuration: UNetConfiguration
    ) throws {
        place = weights.path
        norm = try GroupNorm(weights / "norm", channels: channels, groups: configuration.normGroups, epsilon: 1e-6)
        projectionIn = try Linear(weights / "proj_in", inputs: channels, outputs: channels, bias: true)
        layers = try (0..<attention.layers).map { layer in
            try TransformerLayer(
                weights / "transformer_blocks" / layer, width: channels, contextWidth: configuration.contextWidth,
                heads: attention.heads)
        }
        projectionOut = try Linear(weights / "proj_out", inputs: channels, outputs: channels, bias: true)
    }

    /// x `[batch, channels, height, width]`, context `[batch, words, contextWidth]`; x's shape back.
    func callAsFunction(_ x: Tensor, context: Tensor) throws -> Tensor {
        let shape = x.shape
        let (normed, x) = try norm.branching(x)
        var tokens = try normed.permuted([0, 2, 3, 1]).reshaped([shape[0], shape[2] * shape[3], shape[1]])
        tokens = try projectionIn(tokens)
        for layer in layers { tokens = try layer(tokens, context: context) }
        tokens = try projectionOut(tokens)
        return try tokens.reshaped([shape[0], shape[2], shape[3], shape[1]]).permuted([0, 3, 1, 2]) + x
    }
}

/// Attention to the picture, attention to the text, and a gated perceptron; diffusers' `BasicTransformerBlock`.
private struct TransformerLayer {
    private let norm1: LayerNorm
    private let attention1: CrossAttention
    private let norm2: LayerNorm
    private let attention2: CrossAttention
    private let norm3: LayerNorm
    private let gated: Linear
    private let out: Linear

    init(_ weights: Weights, width: Int, contextWidth: Int, heads: Int) throws {
        norm1 = try LayerNorm(weights / "norm1", features: width)
        attention1 = try CrossAttention(weights / "attn1", width: width, contextWidth: width, heads: heads)
        norm2 = try LayerNorm(weights / "norm2", features: width)
        attention2 = try CrossAttention(weights / "attn2", width: width, contextWidth: contextWidth, heads: heads)
        norm3 = try LayerNorm(weights / "norm3", features: width)
        gated = try Linear(weights / "ff" / "net" / 0 / "proj", inputs: width, outputs: width * 8, bias: true)
        out = try Linear(weights / "ff" / "net" / 2, inputs: width * 4, outputs: width, bias: true)
    }

    func callAsFunction(_ x: Tensor, context: Tensor) throws -> Tensor {
        var x = x
        let normed = try norm1(x)
        x = try attention1(normed, context: normed) + x
        x = try attention2(norm2(x), context: context) + x
        return try out(geglu(gated(norm3(x)))) + x
    }
}
