/// How a model's noise grows with time and how it is to be sampled, as diffusers' scheduler configurations say it.
///
/// `nil` is "the file does not say": each sampler then has a default of its own, as each of diffusers' classes does.
package struct SchedulerConfiguration: Equatable, Sendable {
    /// How `β` goes from its first value to its last.
    package enum BetaSchedule: String, CaseIterable, Sendable {
        case linear
        /// Evenly in `√β`: every Stable Diffusion.
        case scaledLinear = "scaled_linear"
        /// Nichol & Dhariwal's cosine.
        case squaredCosine = "squaredcos_cap_v2"
    }

    /// Which timesteps a sampler visits.
    ///
    /// Lin et al., 2023, table 2, <https://arxiv.org/abs/2305.08891>.
    package enum TimestepSpacing: String, CaseIterable, Sendable {
        case leading, trailing, linspace
    }

    package var trainTimesteps = 1000
    package var betaStart = 0.00085
    package var betaEnd = 0.012
    package var betaSchedule = BetaSchedule.scaledLinear
    /// The betas themselves, where the file lists them.
    package var trainedBetas: [Double]?
    package var predictionType = PredictionType.epsilon
    /// Whether the last timestep is to be pure noise.
    package var rescalesToZeroTerminalSNR = false
    package var timestepSpacing: TimestepSpacing?
    package var stepsOffset = 0
    /// Whether DDIM's last step goes to `ᾱ = 1` and not to the schedule's first.
    package var setsAlphaToOne: Bool?
    /// Whether DDIM clips the sample it predicts, and to what.
    package var clipsSample: Bool?
    package var clipRange = 1.0

    package init() {}

    /// What every Stable Diffusion's own file says.
    package static let stableDiffusion: SchedulerConfiguration = {
        var configuration = SchedulerConfiguration()
        configuration.stepsOffset = 1
        configuration.setsAlphaToOne = false
        configuration.clipsSample = false
        return configuration
    }()

    /// Reads `scheduler/scheduler_config.json`.
    init(_ json: JSONFile) throws(ModelError) {
        trainTimesteps = try json.integer("num_train_timesteps", default: 1000, in: 2...100_000)
        betaStart = try json.number("beta_start", default: 0.0001)
        betaEnd = try json.number("beta_end", default: 0.02)
        betaSchedule = try json.choice("beta_schedule", default: .linear)
        predictionType = try json.choice("prediction_type", default: .epsilon)
        rescalesToZeroTerminalSNR = try json.boolean("rescale_betas_zero_snr", default: false)
        if json.has("timestep_spacing") { timestepSpacing = try json.choice("timestep_spacing") }
        stepsOffset = try json.integer("steps_offset", default: 0, in: 0...1000)
        if json.has("set_alpha_to_one") { setsAlphaToOne = try json.boolean("set_alpha_to_one", default: true) }
        if json.has("clip_sample") { clipsSample = try json.boolean("clip_sample", default: true) }
        clipRange = try json.number("clip_sample_range", default: 1)
        try json.require("thresholding", oneOf: [.boolean(false)])
        guard betaStart > 0, betaStart <= betaEnd, betaEnd < 1 else {
            throw ModelError(json.file, "beta_start \(betaStart) and beta_end \(betaEnd) must rise between 0 and 1")
        }
        trainedBetas = try Self.betas(json, count: trainTimesteps)
    }

    private static func betas(_ json: JSONFile, count: Int) throws(ModelError) -> [Double]? {
        guard json.has("trained_betas"), case .array(let items) = json.values["trained_betas"] else { return nil }
        let betas = items.compactMap { if case .number(let beta) = $0, beta > 0, beta < 1 { beta } else { nil } }
        guard betas.count == items.count, betas.count == count else {
            throw ModelError(json.file, "trained_betas must be \(count) numbers between 0 and 1")
        }
        return betas
    }
}

/// What the UNet was trained to say of a noisy sample.
package enum PredictionType: String, CaseIterable, Codable, Sendable {
    /// The noise, `ε`.
    case epsilon
    /// `v = √ᾱ·ε - √(1-ᾱ)·x₀`.
    ///
    /// Salimans & Ho, 2022, <https://arxiv.org/abs/2202.00512>.
    case velocity = "v_prediction"
}
