import Layers
import Torch

/// Two convolutions around a shortcut, told the time in between; diffusers' `ResnetBlock2D`.
struct ResidualBlock {
    let place: String
    private let norm1: GroupNorm
    private let conv1: Convolution
    private let timeProjection: Linear?
    private let norm2: GroupNorm
    private let conv2: Convolution
    private let shortcut: Convolution?

    /// - Parameter timeWidth: the width of the timestep's embedding; nil for a block that is not told the time.
    init(
        _ weights: Weights, inputs: Int, outputs: Int, timeWidth: Int?, groups: Int, epsilon: Double
    ) throws {
        place = weights.path
        norm1 = try GroupNorm(weights / "norm1", channels: inputs, groups: groups, epsilon: epsilon)
        conv1 = try Convolution(weights / "conv1", inputs: inputs, outputs: outputs, kernel: 3, padding: 1)
        timeProjection = try timeWidth.map { width in
            try Linear(weights / "time_emb_proj", inputs: width, outputs: outputs, bias: true)
        }
        norm2 = try GroupNorm(weights / "norm2", channels: outputs, groups: groups, epsilon: epsilon)
        conv2 = try Convolution(weights / "conv2", inputs: outputs, outputs: outputs, kernel: 3, padding: 1)
        shortcut =
            inputs == outputs
            ? nil : try Convolution(weights / "conv_shortcut", inputs: inputs, outputs: outputs, kernel: 1)
    }

    /// x `[batch, inputs, height, width]`, time `[batch, timeWidth]` after its last activation.
    func callAsFunction(_ x: Tensor, time: Tensor? = nil) throws -> Tensor {
        let (normed, x) = try norm1.branching(x, activated: true)
        let shift = try time.flatMap { time in try timeProjection?(time) }
        let h = try conv2(norm2(conv1(normed), adding: shift, activated: true))
        return try (shortcut.map { try $0(x) } ?? x) + h
    }
}
