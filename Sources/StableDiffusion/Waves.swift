import Glibc
import Torch

/// Numbers as waves of falling frequency.
///
/// Agrees with diffusers' `Timesteps`. Ho et al., 2020, <https://arxiv.org/abs/2006.11239>.
struct Waves {
    let width: Int
    private let cosinesFirst: Bool
    private let frequencyShift: Double

    init(width: Int, _ configuration: UNetConfiguration) {
        self.width = width
        cosinesFirst = configuration.cosinesFirst
        frequencyShift = configuration.frequencyShift
    }

    /// numbers `[count]` → `[count, width]`, in fp32.
    func callAsFunction(_ numbers: Tensor) throws -> Tensor {
        let count = width / 2
        let exponents = try Tensor.range(0, Double(count), device: numbers.device) * -log(10000)
        let frequencies = try (exponents / (Double(count) - frequencyShift)).exponential()
        let angles = try numbers.to(.float32).reshaped([-1, 1]) * frequencies.reshaped([1, count])
        let (sines, cosines) = (try angles.sine(), try angles.cosine())
        let waves = try Tensor.concatenate(cosinesFirst ? [cosines, sines] : [sines, cosines], along: 1)
        return width % 2 == 0 ? waves : try waves.padded([0, 1])
    }
}
