/// What an operator does, as far as a training step's time is concerned.
package enum WorkKind: String, CaseIterable, Codable, Sendable {
    case frozenProduct = "frozen matrices"
    case frozenConvolution = "frozen convolutions"
    case product = "low-rank and other matrices"
    case convolution = "convolutions not laid out"
    case attention = "attention"
    case normalization = "normalization"
    case activation = "activations and gates"
    case sum = "sums and scales"
    case copy = "copies and layouts"
    case memory = "memory and views"
    case optimizer = "optimizer and clipping"
    case other = "other operators"
}

extension OperatorTime {
    package var kind: WorkKind {
        let operation = name.split(separator: ":").last.map(String.init) ?? name
        // A filtered kernel's products are matrices, too.
        let isConvolution = caller.contains("winograd") || caller.contains("FrozenConvolution")
        if isConvolution, operation == "_linear_pointwise" { return .frozenConvolution }
        if let kind = Self.kinds[operation] { return kind }
        let stem = operation.hasSuffix("_") ? String(operation.dropLast()) : operation
        if let kind = Self.kinds[stem] { return kind }
        if operation.hasPrefix("_foreach") { return .optimizer }
        return operation.lowercased().contains("attention") ? .attention : .other
    }

    private static let kinds: [String: WorkKind] = {
        let names: [WorkKind: [String]] = [
            .frozenProduct: ["frozen_matrix", "_linear_pointwise", "_reorder_linear_weight"],
            .frozenConvolution: [
                "frozen_convolution", "winograd", "winograd_products", "_convolution_pointwise",
                "_reorder_convolution_weight",
            ],
            .product: [
                "low_rank", "low_rank_back", "low_rank_gradient", "mm", "addmm", "bmm", "baddbmm", "linear", "matmul",
                "addmv", "mv",
            ],
            .convolution: [
                "conv2d", "convolution", "_convolution", "mkldnn_convolution", "_slow_conv2d_forward", "thnn_conv2d",
                "convolution_backward",
            ],
            .normalization: [
                "group_norm", "native_group_norm", "native_group_norm_backward", "layer_norm", "native_layer_norm",
                "native_layer_norm_backward", "group_norm_backward", "layer_norm_backward",
            ],
            .activation: [
                "silu", "silu_backward", "gelu", "gelu_backward", "sigmoid", "sigmoid_backward", "_softmax", "geglu",
                "geglu_backward",
            ],
            .sum: ["add", "mul", "sub", "div", "sum", "mean", "pow", "neg", "square"],
            .copy: [
                "copy", "cat", "clone", "contiguous", "to", "_to_copy", "constant_pad_nd", "upsample_nearest2d",
                "upsample_nearest2d_backward", "fill", "zero",
            ],
            .memory: [
                "empty", "empty_strided", "empty_like", "resize", "zeros", "zeros_like", "new_zeros", "reshape",
                "view", "_reshape_alias", "_unsafe_view", "permute", "transpose", "t", "unsqueeze", "squeeze",
                "expand", "narrow", "select", "slice", "as_strided", "chunk", "split", "detach", "alias", "flatten",
            ],
            .optimizer: ["_fused_adamw", "linalg_vector_norm", "clamp"],
        ]
        return Dictionary(uniqueKeysWithValues: names.flatMap { kind, names in names.map { ($0, kind) } })
    }()

    /// Multiplications and additions of all its calls, where it is a product; 0 elsewhere.
    package var operations: Double {
        func count(_ shape: [Int]) -> Double { shape.reduce(1) { $0 * Double($1) } }
        guard let first = inputs.first else { return 0 }
        let result = outputs.first ?? [0]
        let operation = name.split(separator: ":").last.map(String.init) ?? name
        let each: Double
        switch operation {
        case "_linear_pointwise", "mm", "bmm": each = 2 * count(result) * Double(first.last ?? 0)
        case "addmm", "addmm_", "baddbmm", "baddbmm_":
            each = inputs.count > 1 ? 2 * count(result) * Double(inputs[1].last ?? 0) : 0
        // Rows, or a picture, and the matrix.
        case "frozen_matrix": each = inputs.count > 1 ? 2 * Double(first[0]) * count(inputs[1]) : 0
        case "frozen_convolution":
            let isPicture = first.count == 4 && inputs.count > 1
            each = isPicture ? 2 * Double(first[0] * first[2] * first[3]) * count(inputs[1]) : 0
        // The tiles' transforms, `[points, tiles, inputs]`, and the result.
        case "winograd_products":
            let isPicture = inputs.count > 1 && inputs[1].count == 4
            each = isPicture ? 2 * count(first) * Double(inputs[1][1]) : 0
        // The rows, A and B; and A or B.
        case "low_rank", "low_rank_back":
            each = inputs.count > 2 ? 2 * Double(first[0]) * (count(inputs[1]) + count(inputs[2])) : 0
        case "low_rank_gradient": each = inputs.count > 1 ? 2 * count(first) * Double(inputs[1].min() ?? 0) : 0
        case "_convolution_pointwise", "mkldnn_convolution", "_slow_conv2d_forward":
            each = inputs.count > 1 ? 2 * count(result) * count(Array(inputs[1].dropFirst())) : 0
        case "convolution_backward":
            // One product each for the gradients of the input and of the weight, which have as many extents.
            let products = Double(outputs.count(where: { $0.count == first.count }))
            each = inputs.count > 2 ? 2 * count(first) * count(Array(inputs[2].dropFirst())) * products : 0
        case "_scaled_dot_product_flash_attention_for_cpu": each = attention(first, inputs[1], products: 2)
        case "_scaled_dot_product_flash_attention_for_cpu_backward":
            each = inputs.count > 2 ? attention(inputs[1], inputs[2], products: 5) : 0
        // Queries and keys, `[batch, tokens, heads·width]`.
        case "attention", "attention_backward":
            let products = operation == "attention" ? 2.0 : 5.0
            each = inputs.count > 1 && inputs[1].count == 3 ? 2 * products * count(first) * Double(inputs[1][1]) : 0
        default: each = 0
        }
        return each * Double(calls)
    }

    /// Products of `[batch, heads, tokens, width]` with `[batch, heads, words, width]`.
    private func attention(_ query: [Int], _ key: [Int], products: Double) -> Double {
        guard query.count == 4, key.count == 4 else { return 0 }
        return 2 * products * query.reduce(1) { $0 * Double($1) } * Double(key[2])
    }
}
