package import Torch

/// Normalization over groups of channels, Wu & He 2018.
package struct GroupNorm {
    private let weight: Tensor
    private let bias: Tensor
    private let groups: Int
    private let epsilon: Double

    package init(_ weights: Weights, channels: Int, groups: Int, epsilon: Double) throws {
        weight = try weights.tensor("weight", shape: [channels])
        bias = try weights.tensor("bias", shape: [channels])
        self.groups = groups
        self.epsilon = epsilon
    }

    /// x `[batch, channels, …]`, same shape back.
    package func callAsFunction(_ x: Tensor) throws -> Tensor {
        try groupNorm(x, groups: groups, weight: weight, bias: bias, epsilon: epsilon)
    }
}

/// Normalization over the last dimension (Ba, Kiros and Hinton 2016).
package struct LayerNorm {
    private let weight: Tensor
    private let bias: Tensor
    private let epsilon: Double

    package init(_ weights: Weights, features: Int, epsilon: Double = 1e-5) throws {
        weight = try weights.tensor("weight", shape: [features])
        bias = try weights.tensor("bias", shape: [features])
        self.epsilon = epsilon
    }

    /// x `[…, features]`, same shape back.
    package func callAsFunction(_ x: Tensor) throws -> Tensor {
        try layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
    }
}
