import Layers
import Torch

/// Attention of tokens to themselves or to a context, in several heads.
///
/// Agrees with diffusers' `Attention` as Stable Diffusion uses it: no biases but at the end. Vaswani et al., 2017,
/// <https://arxiv.org/abs/1706.03762>.
struct CrossAttention {
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let out: Linear
    private let heads: Int

    /// - Parameters:
    ///   - bias: whether queries, keys and values have one.
    init(_ weights: Weights, width: Int, contextWidth: Int, heads: Int, bias: Bool = false) throws {
        query = try Linear(weights / "to_q", inputs: width, outputs: width, bias: bias)
        key = try Linear(weights / "to_k", inputs: contextWidth, outputs: width, bias: bias)
        value = try Linear(weights / "to_v", inputs: contextWidth, outputs: width, bias: bias)
        out = try Linear(weights / "to_out" / 0, inputs: width, outputs: width, bias: true)
        self.heads = heads
    }

    /// x `[batch, tokens, width]`, context `[batch, words, contextWidth]` → `[batch, tokens, width]`.
    func callAsFunction(_ x: Tensor, context: Tensor) throws -> Tensor {
        try out(multiHeadAttention(query(x), key(context), value(context), heads: heads))
    }
}

/// Attention over `[batch, tokens, heads · width]`, one slice of the width for each head; the same shape back.
func multiHeadAttention(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, heads: Int, causal: Bool = false
) throws -> Tensor {
    if !causal { return try attention(query, key, value, heads: heads) }
    func split(_ x: Tensor) throws -> Tensor {
        let shape = x.shape
        return try x.reshaped([shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
    }
    let attended = try attention(split(query), split(key), split(value), causal: true)
    return try attended.transposed(1, 2).reshaped(query.shape)
}
