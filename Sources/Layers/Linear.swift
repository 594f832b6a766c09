package import Torch

/// `y = x·Wᵀ + b`, frozen, plus what a run trains beside it.
///
/// A 1×1 convolution's weight `[outputs, inputs, 1, 1]` is the same layer over tokens, and is taken as such.
package struct Linear {
    private let weight: FrozenWeight  // [outputs, inputs]
    package let bias: Tensor?
    private let adaptation: (any Adaptation)?

    /// - Parameter bias: whether there must be one; nil takes one if it is there.
    package init(_ weights: Weights, inputs: Int, outputs: Int, bias: Bool? = nil) throws {
        let isConvolution = weights.source.shape(of: weights.path + ".weight")?.count == 4
        let shape = isConvolution ? [outputs, inputs, 1, 1] : [outputs, inputs]
        weight = try weights.frozen("weight", shape: shape, as: [outputs, inputs])
        self.bias = bias ?? weights.contains("bias") ? try weights.tensor("bias", shape: [outputs]) : nil
        adaptation = try weights.adaptation(shape: shape)
    }

    /// x `[…, inputs]` → `[…, outputs]`.
    package func callAsFunction(_ x: Tensor) throws -> Tensor {
        if let adaptation { return try adaptation.linear(x, weight: weight, bias: bias) }
        return try linear(x, weight, bias)
    }
}
