import CTorch

private enum Aten {
    static let linear = Operator("linear")
    static let matmul = Operator("matmul")
    static let convolution = Operator("conv2d")
    static let groupNorm = Operator("group_norm")
    static let layerNorm = Operator("layer_norm")
    static let embedding = Operator("embedding")
    static let silu = Operator("silu")
    static let gelu = Operator("gelu")
    static let sigmoid = Operator("sigmoid")
    static let softmax = Operator("softmax", overload: "int")
    static let attention = Operator("scaled_dot_product_attention")
    static let upsample = Operator("upsample_nearest2d", overload: "vec")
    static let meanSquare = Operator("mse_loss")
}

/// `x·Wᵀ + b`; x `[…, inputs]`, W `[outputs, inputs]`, b `[outputs]`.
package func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) throws(TorchError) -> Tensor {
    try Aten.linear(.tensor(x), .tensor(weight), .optional(bias))
}

package func matrixProduct(_ left: Tensor, _ right: Tensor) throws(TorchError) -> Tensor {
    try Aten.matmul(.tensor(left), .tensor(right))
}

/// x `[batch, inputs, height, width]`, W `[outputs, inputs / groups, kernel, kernel]`.
package func convolution(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0
) throws(TorchError) -> Tensor {
    try Aten.convolution(
        .tensor(x), .tensor(weight), .optional(bias), .ints([stride, stride]), .ints([padding, padding]))
}

package func groupNorm(
    _ x: Tensor, groups: Int, weight: Tensor, bias: Tensor, epsilon: Double
) throws(TorchError) -> Tensor {
    try Aten.groupNorm(.tensor(x), .int(groups), .tensor(weight), .tensor(bias), .double(epsilon))
}

/// Over the last dimension.
package func layerNorm(
    _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Double
) throws(TorchError) -> Tensor {
    try Aten.layerNorm(.tensor(x), .ints(weight.shape), .tensor(weight), .tensor(bias), .double(epsilon))
}

/// Rows of `table` that integer `indices` name: `indices.shape + [width]`.
package func embedding(_ table: Tensor, _ indices: Tensor) throws(TorchError) -> Tensor {
    try Aten.embedding(.tensor(table), .tensor(indices))
}

/// `x·σ(x)`.
package func silu(_ x: Tensor) throws(TorchError) -> Tensor { try Aten.silu(.tensor(x)) }

/// `x·Φ(x)`, exact.
package func gelu(_ x: Tensor) throws(TorchError) -> Tensor { try Aten.gelu(.tensor(x)) }

/// `x·σ(1.702·x)`, OpenAI CLIP's.
package func quickGELU(_ x: Tensor) throws(TorchError) -> Tensor {
    try x * Aten.sigmoid(.tensor(try x * 1.702))
}

package func softmax(_ x: Tensor, over dimension: Int) throws(TorchError) -> Tensor {
    try Aten.softmax(.tensor(x), .int(dimension))
}

/// `softmax(Q·Kᵀ/√width + mask)·V` by libtorch's fused kernels; `[batch, heads, tokens, width]` each.
package func attention(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, causal: Bool = false
) throws(TorchError) -> Tensor {
    try Aten.attention(.tensor(query), .tensor(key), .tensor(value), .none, .double(0), .bool(causal))
}

/// Attention of `[batch, tokens, heads · width]` to keys and values `[batch, words, heads · width]`; the queries' shape back.
///
/// Each head takes a slice of the width and is computed where it lies: `softmax(Q·Kᵀ/√width)·V`. On processors with AVX-512
/// in fp32 and bf16 that is a pass of our own, elsewhere libtorch's. The tensors alone decide which, so that like processors
/// give the same bits.
package func attention(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, heads: Int
) throws(TorchError) -> Tensor {
    var error: UnsafeMutablePointer<CChar>?
    let handle = withExtendedLifetime((query, key, value)) {
        ct_attention(query.handle, key.handle, value.handle, Int64(heads), &error)
    }
    guard let handle else {
        throw .taking(error, operation: "attention", shapes: [query.shape, key.shape, value.shape])
    }
    return Tensor(owning: handle)
}

/// Nearest-neighbour upsampling to `[height, width]`.
package func upsampleNearest(_ x: Tensor, to size: [Int]) throws(TorchError) -> Tensor {
    try Aten.upsample(.tensor(x), .ints(size), .none)
}

/// The mean of squared differences over all elements.
package func meanSquaredError(_ prediction: Tensor, _ target: Tensor) throws(TorchError) -> Tensor {
    try Aten.meanSquare(.tensor(prediction), .tensor(target))
}
