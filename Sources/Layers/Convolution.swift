package import Torch

/// A square two-dimensional convolution, frozen, plus what a run trains beside it.
package struct Convolution {
    private let frozen: FrozenTensor
    package let bias: Tensor
    private let stride: Int
    private let padding: Int
    private let adaptation: (any Adaptation)?

    package init(
        _ weights: Weights, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0
    ) throws {
        let shape = [outputs, inputs, kernel, kernel]
        frozen = try weights.frozen("weight", shape: shape)
        bias = try weights.tensor("bias", shape: [outputs])
        self.stride = stride
        self.padding = padding
        adaptation = try weights.adaptation(shape: shape)
    }

    /// `[outputs, inputs, kernel, kernel]`, channels last.
    package var weight: Tensor {
        get throws { try frozen() }
    }

    /// x `[batch, inputs, height, width]` → `[batch, outputs, height', width']`.
    package func callAsFunction(_ x: Tensor) throws -> Tensor {
        let weight = try weight
        if let adaptation {
            return try adaptation.convolution(x, weight: weight, bias: bias, stride: stride, padding: padding)
        }
        return try convolution(x, weight, bias, stride: stride, padding: padding)
    }
}
