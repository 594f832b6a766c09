package import Torch

/// Euler's method on the probability-flow equation, with or without fresh noise at each step ("ancestral").
///
/// Agrees with diffusers' `EulerDiscreteScheduler` and `EulerAncestralDiscreteScheduler`. Karras et al., 2022, algorithm 2,
/// <https://arxiv.org/abs/2206.00364>.
package struct EulerSampler: Sampler {
    package let timesteps: [Double]
    package let initialNoiseScale: Double
    package let addsNoise: Bool
    private let sigmas: [Double]
    private let predictionType: PredictionType

    init(steps: Int, _ schedule: NoiseSchedule, _ configuration: SchedulerConfiguration, ancestral: Bool) {
        timesteps = configuration.times(steps, standard: .linspace, rounds: false)
        sigmas = schedule.sigmas(at: timesteps)
        predictionType = schedule.predictionType
        addsNoise = ancestral
        let largest = sigmas[0]
        initialNoiseScale =
            configuration.timestepSpacing == .leading ? (largest * largest + 1).squareRoot() : largest
    }

    package func modelInput(_ latents: Tensor, at step: Int) throws -> Tensor {
        try latents / (sigmas[step] * sigmas[step] + 1).squareRoot()
    }

    package func step(_ step: Int, prediction: Tensor, latents: Tensor, noise: Tensor?) throws -> Tensor {
        let (sigma, next) = (sigmas[step], sigmas[step + 1])
        let slope: Tensor
        switch predictionType {
        case .epsilon: slope = prediction
        case .velocity:
            let square = sigma * sigma + 1
            let sample = try latents / square - (sigma / square.squareRoot()) * prediction
            slope = try (latents - sample) / sigma
        }
        guard addsNoise, let noise else { return try latents + (next - sigma) * slope }
        let up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).squareRoot()
        let down = (next * next - up * up).squareRoot()
        return try latents + (down - sigma) * slope + up * noise
    }
}
