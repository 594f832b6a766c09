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

    /// x `[batch, channels, height, width]`, same shape back.
    ///
    /// - Parameters:
    ///   - shift: `[batch, channels]`, added to x first.
    ///   - activated: whether SiLU follows.
    package func callAsFunction(_ x: Tensor, adding shift: Tensor? = nil, activated: Bool = false) throws -> Tensor {
        try groupNorm(
            x, adding: shift, groups: groups, weight: weight, bias: bias, epsilon: epsilon, activated: activated
        ).normed
    }

    /// The same for an x that has another use, which takes the x that comes back: its gradient is then made in one pass.
    package func branching(_ x: Tensor, activated: Bool = false) throws -> (normed: Tensor, x: Tensor) {
        try groupNorm(
            x, adding: nil, groups: groups, weight: weight, bias: bias, epsilon: epsilon, activated: activated)
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
