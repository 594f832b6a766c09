package import Torch

/// A square two-dimensional convolution, frozen, plus what a run trains beside it.
package struct Convolution {
    private let weight: FrozenWeight  // [outputs, inputs, kernel, kernel]
    package let bias: Tensor
    private let stride: Int
    private let padding: Int
    private let adaptation: (any Adaptation)?

    package init(
        _ weights: Weights, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0
    ) throws {
        let shape = [outputs, inputs, kernel, kernel]
        weight = try weights.frozen("weight", shape: shape)
        bias = try weights.tensor("bias", shape: [outputs])
        self.stride = stride
        self.padding = padding
        adaptation = try weights.adaptation(shape: shape)
    }

    /// x `[batch, inputs, height, width]` → `[batch, outputs, height', width']`.
    package func callAsFunction(_ x: Tensor) throws -> Tensor {
        if let adaptation {
            return try adaptation.convolution(x, weight: weight, bias: bias, stride: stride, padding: padding)
        }
        return try convolution(x, weight, bias, stride: stride, padding: padding)
    }
}
