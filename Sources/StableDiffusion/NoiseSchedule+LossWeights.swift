import Glibc

extension NoiseSchedule {
    /// What a sample's loss at a timestep is multiplied by so that clean timesteps do not drown the others.
    ///
    /// `min(SNR, γ) / SNR`, and for the velocity `min(SNR, γ) / (SNR + 1)`; kohya's `apply_snr_weight`. Hang et al., 2023,
    /// <https://arxiv.org/abs/2303.09556>.
    package func minSNRWeight(at timestep: Int, gamma: Double) -> Double {
        let ratio = signalToNoise[timestep]
        return min(ratio, gamma) / (predictionType == .velocity ? ratio + 1 : ratio)
    }

    /// The weight of kohya's `apply_debiased_estimation`: `1 / √SNR`, and for the velocity `1 / (SNR + 1)`, SNR ≤ 1000.
    package func debiasedWeight(at timestep: Int) -> Double {
        let ratio = min(signalToNoise[timestep], 1000)
        return predictionType == .velocity ? 1 / (ratio + 1) : 1 / ratio.squareRoot()
    }

    /// What makes a velocity's loss weigh as the noise's would: `SNR / (SNR + 1)`, SNR ≤ 1000; kohya's `get_snr_scale`.
    package func velocityScale(at timestep: Int) -> Double {
        let ratio = min(signalToNoise[timestep], 1000)
        return ratio / (ratio + 1)
    }

    /// Where a Huber loss turns from square to straight, for each timestep; kohya's `get_huber_threshold_if_needed`.
    package enum HuberSchedule: String, CaseIterable, Sendable {
        case constant, exponential
        case signalToNoise = "snr"
    }

    /// - Parameters:
    ///   - c: the threshold at the noisy end.
    ///   - scale: a factor, which the `snr` schedule ignores as kohya's does.
    package func huberThreshold(at timestep: Int, schedule: HuberSchedule, c: Double, scale: Double = 1) -> Double {
        switch schedule {
        case .constant: return c * scale
        case .exponential: return exp(log(c) * Double(timestep) / Double(count)) * scale
        case .signalToNoise:
            let alpha = alphasCumulativeProduct[timestep]
            let sigma = ((1 - alpha) / alpha).squareRoot()
            return (1 - c) / ((1 + sigma) * (1 + sigma)) + c
        }
    }
}
