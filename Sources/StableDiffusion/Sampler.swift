package import Torch

/// A way from noise to a sample: which times the model is asked about, and what is made of its answers.
///
/// A value: a copy taken between two steps goes on from there.
package protocol Sampler {
    /// What the model is told at each step, noisiest first; not always whole.
    var timesteps: [Double] { get }
    /// What standard normal noise is multiplied by to begin with.
    var initialNoiseScale: Double { get }
    /// Whether each step adds noise of its own.
    var addsNoise: Bool { get }

    /// What the model is shown at a step.
    func modelInput(_ latents: Tensor, at step: Int) throws -> Tensor

    /// The latents after a step. Steps are taken in order, each once.
    ///
    /// - Parameters:
    ///   - prediction: what the model says, of the latents' shape.
    ///   - noise: standard normal, of the latents' shape; only looked at if ``addsNoise``.
    mutating func step(_ step: Int, prediction: Tensor, latents: Tensor, noise: Tensor?) throws -> Tensor
}

/// The samplers there are; raw values are kohya's `sample_sampler` names.
package enum SamplerKind: String, Codable, CaseIterable, Sendable {
    case ddim
    case euler
    case eulerAncestral = "euler_a"
    case dpmPlusPlus2M = "dpmsolver++"

    /// - Parameter name: kohya's, A1111's or diffusers' name.
    package init?(named name: String) {
        switch name.lowercased() {
        case "ddim": self = .ddim
        case "euler", "k_euler": self = .euler
        case "euler_a", "k_euler_a", "euler a", "euler_ancestral": self = .eulerAncestral
        case "dpmsolver++", "dpm++ 2m", "dpm++_2m", "dpmpp_2m": self = .dpmPlusPlus2M
        default: return nil
        }
    }

    /// A sampler of so many steps over a model's schedule.
    ///
    /// - Throws: ``ModelError`` when there are more steps than timesteps, or none.
    package func sampler(steps: Int, _ configuration: SchedulerConfiguration) throws(ModelError) -> any Sampler {
        guard (1..<configuration.trainTimesteps).contains(steps) else {
            throw ModelError(
                "sample_steps",
                "is \(steps), but must be in 1...\(configuration.trainTimesteps - 1), the model's timesteps")
        }
        let schedule = NoiseSchedule(configuration)
        return switch self {
        case .ddim: DDIMSampler(steps: steps, schedule, configuration)
        case .euler: EulerSampler(steps: steps, schedule, configuration, ancestral: false)
        case .eulerAncestral: EulerSampler(steps: steps, schedule, configuration, ancestral: true)
        case .dpmPlusPlus2M: DPMSolverSampler(steps: steps, schedule, configuration)
        }
    }
}

extension NoiseSchedule {
    /// `σ = √((1-ᾱ)/ᾱ)` at times between the timesteps too, and 0 at the end.
    func sigmas(at times: [Double]) -> [Double] {
        let sigmas = alphasCumulativeProduct.map { alpha in
            // Where the schedule ends in pure noise, σ would be infinite; diffusers puts fp16's smallest number there.
            let alpha = alpha > 0 ? alpha : 0x1p-24
            return ((1 - alpha) / alpha).squareRoot()
        }
        return times.map { time in
            let time = min(max(time, 0), Double(count - 1))
            let below = min(Int(time), count - 2)
            return sigmas[below] + (sigmas[below + 1] - sigmas[below]) * (time - Double(below))
        } + [0]
    }
}

extension SchedulerConfiguration {
    /// Timesteps spaced as the configuration says, noisiest first; numpy's arithmetic.
    ///
    /// - Parameters:
    ///   - standard: the spacing where the file does not say.
    ///   - extra: how many more are laid out than are used, at the clean end.
    ///   - rounds: whether evenly spaced ones are made whole.
    func times(_ steps: Int, standard: TimestepSpacing, extra: Int = 0, rounds: Bool = true) -> [Double] {
        let last = Double(trainTimesteps - 1)
        switch timestepSpacing ?? standard {
        case .leading:
            let stride = trainTimesteps / (steps + extra)
            return (0..<steps).map { min(Double((steps + extra - 1 - $0) * stride + stepsOffset), last) }
        case .linspace:
            let divisor = Double(max(steps + extra - 1, 1))
            return (0..<steps).map { step in
                let time = steps + extra == 1 ? 0 : last * Double(steps + extra - 1 - step) / divisor
                return rounds ? time.rounded(.toNearestOrEven) : time
            }
        case .trailing:
            let stride = Double(trainTimesteps) / Double(steps)
            return (0..<steps).map {
                (Double(trainTimesteps) - Double($0) * stride).rounded(.toNearestOrEven) - 1
            }
        }
    }
}
