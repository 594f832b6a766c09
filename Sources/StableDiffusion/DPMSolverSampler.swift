import Glibc
package import Torch

/// DPM-Solver++ (2M): a two-step method that reuses the sample predicted one step before.
///
/// Agrees with diffusers' `DPMSolverMultistepScheduler` of order 2, midpoint. Lu et al., 2022, algorithm 2,
/// <https://arxiv.org/abs/2211.01095>.
package struct DPMSolverSampler: Sampler {
    package let timesteps: [Double]
    package let initialNoiseScale = 1.0
    package let addsNoise = false
    private let sigmas: [Double]
    private let predictionType: PredictionType
    private var before: Tensor?

    init(steps: Int, _ schedule: NoiseSchedule, _ configuration: SchedulerConfiguration) {
        timesteps = configuration.times(
            steps, standard: .linspace, extra: configuration.timestepSpacing == .trailing ? 0 : 1)
        sigmas = schedule.sigmas(at: timesteps)
        predictionType = schedule.predictionType
    }

    package func modelInput(_ latents: Tensor, at step: Int) throws -> Tensor { latents }

    package mutating func step(_ step: Int, prediction: Tensor, latents: Tensor, noise: Tensor?) throws -> Tensor {
        let (now, next) = (Point(sigmas[step]), Point(sigmas[step + 1]))
        let sample: Tensor
        switch predictionType {
        case .epsilon: sample = try (latents - now.spread * prediction) / now.signal
        case .velocity: sample = try now.signal * latents - now.spread * prediction
        }
        defer { before = sample }

        let width = next.logSNR - now.logSNR
        let factor = next.signal * (1 - exp(-width))
        let straight = try (next.spread / now.spread) * latents + factor * sample
        // Two steps at one time, which very many steps can bring, say nothing about the direction.
        guard let before, step < timesteps.count - 1, sigmas[step - 1] != sigmas[step] else { return straight }
        let ratio = (now.logSNR - Point(sigmas[step - 1]).logSNR) / width
        return try straight + (0.5 * factor / ratio) * (sample - before)
    }

    /// `α` and `σ` of a variance-preserving diffusion, and `λ = log(α/σ)`.
    private struct Point {
        let signal: Double
        let spread: Double
        let logSNR: Double

        init(_ sigma: Double) {
            signal = 1 / (sigma * sigma + 1).squareRoot()
            spread = sigma * signal
            logSNR = -log(sigma)
        }
    }
}
