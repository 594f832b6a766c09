import Glibc
import Layers
import Torch

/// A timestep as waves of falling frequency, and a perceptron over them.
///
/// Agrees with diffusers' `Timesteps` and `TimestepEmbedding`. Ho et al., 2020, <https://arxiv.org/abs/2006.11239>.
struct TimestepEmbedding {
    private let linear1: Linear
    private let linear2: Linear
    private let channels: Int
    private let cosinesFirst: Bool
    private let frequencyShift: Double

    init(_ weights: Weights, _ configuration: UNetConfiguration) throws {
        let width = configuration.timeWidth
        channels = configuration.blockChannels[0]
        cosinesFirst = configuration.cosinesFirst
        frequencyShift = configuration.frequencyShift
        linear1 = try Linear(weights / "linear_1", inputs: channels, outputs: width, bias: true)
        linear2 = try Linear(weights / "linear_2", inputs: width, outputs: width, bias: true)
    }

    /// timesteps `[batch]` → `[batch, timeWidth]`.
    func callAsFunction(_ timesteps: Tensor, as type: ScalarType) throws -> Tensor {
        try linear2(silu(linear1(waves(timesteps).to(type))))
    }

    /// The waves, in fp32: `[batch, channels]`.
    private func waves(_ timesteps: Tensor) throws -> Tensor {
        let count = channels / 2
        let exponents = try Tensor.range(0, Double(count), device: timesteps.device) * -log(10000)
        let frequencies = try (exponents / (Double(count) - frequencyShift)).exponential()
        let angles = try timesteps.to(.float32).reshaped([-1, 1]) * frequencies.reshaped([1, count])
        let (sines, cosines) = (try angles.sine(), try angles.cosine())
        let waves = try Tensor.concatenate(cosinesFirst ? [cosines, sines] : [sines, cosines], along: 1)
        return channels % 2 == 0 ? waves : try waves.padded([0, 1])
    }
}
