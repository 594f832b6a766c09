import Layers
import Torch

/// A perceptron over waves: what every residual block is told of a timestep.
///
/// Agrees with diffusers' `TimestepEmbedding`. Ho et al., 2020, <https://arxiv.org/abs/2006.11239>.
struct TimestepEmbedding {
    private let linear1: Linear
    private let linear2: Linear

    init(_ weights: Weights, inputs: Int, width: Int) throws {
        linear1 = try Linear(weights / "linear_1", inputs: inputs, outputs: width, bias: true)
        linear2 = try Linear(weights / "linear_2", inputs: width, outputs: width, bias: true)
    }

    /// x `[batch, inputs]` → `[batch, width]`.
    func callAsFunction(_ x: Tensor) throws -> Tensor { try linear2(silu(linear1(x))) }
}
