package import Torch

/// Song et al., "Denoising Diffusion Implicit Models", 2020, equation 12 without noise, <https://arxiv.org/abs/2010.02502>.
///
/// Agrees with diffusers' `DDIMScheduler`.
package struct DDIMSampler: Sampler {
    package let timesteps: [Double]
    package let initialNoiseScale = 1.0
    package let addsNoise = false
    private let schedule: NoiseSchedule
    private let stride: Int
    private let finalAlpha: Double
    private let clip: Double?

    init(steps: Int, _ schedule: NoiseSchedule, _ configuration: SchedulerConfiguration) {
        self.schedule = schedule
        timesteps = configuration.times(steps, standard: .leading)
        stride = configuration.trainTimesteps / steps
        finalAlpha = configuration.setsAlphaToOne ?? true ? 1 : schedule.alphasCumulativeProduct[0]
        clip = configuration.clipsSample ?? true ? configuration.clipRange : nil
    }

    package func modelInput(_ latents: Tensor, at step: Int) throws -> Tensor { latents }

    package func step(_ step: Int, prediction: Tensor, latents: Tensor, noise: Tensor?) throws -> Tensor {
        let time = Int(timesteps[step])
        let alpha = schedule.alphasCumulativeProduct[time]
        let next = time - stride >= 0 ? schedule.alphasCumulativeProduct[time - stride] : finalAlpha
        let (signal, spread) = (alpha.squareRoot(), (1 - alpha).squareRoot())
        var sample: Tensor
        let direction: Tensor
        switch schedule.predictionType {
        case .epsilon:
            sample = try (latents - spread * prediction) / signal
            direction = prediction
        case .velocity:
            sample = try signal * latents - spread * prediction
            direction = try signal * prediction + spread * latents
        }
        if let clip { sample = try sample.clamped(-clip, clip) }
        return try next.squareRoot() * sample + (1 - next).squareRoot() * direction
    }
}
