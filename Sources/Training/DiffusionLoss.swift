package import Recipe
package import StableDiffusion
package import Torch

/// How wrong a prediction is, for each sample: the order and the weights of kohya's `TN.process_batch`.
package struct DiffusionLoss {
    private let objective: Objective
    private let schedule: NoiseSchedule
    private let device: Device

    /// - Parameter scheduler: the model's own; `v_parameterization`, when said, has already been put there.
    package init(recipe: Recipe, scheduler: SchedulerConfiguration, device: Device) throws {
        objective = recipe.objective
        schedule = NoiseSchedule(scheduler, zeroTerminalSNR: recipe.objective.zeroTerminalSNR)
        self.device = device
    }

    /// The weighted loss of each sample, `[samples]` in fp32, on the tape.
    ///
    /// - Parameters:
    ///   - latents: scaled, `[samples, channels, height, width]`, fp32.
    ///   - draws: the slot's random numbers.
    ///   - weights: `prior_loss_weight` for regularization pictures, else 1.
    ///   - predict: the model's answer to noisy latents at timesteps `[samples]`.
    package func losses(
        of latents: Tensor, draws: NoiseDraws, weights: [Double],
        predict: (_ noisy: Tensor, _ timesteps: Tensor) throws -> Tensor
    ) throws -> Tensor {
        let shape = latents.shape
        let timesteps = draws.timesteps().map { min($0, schedule.count - 1) }
        let noise = try draws.noise(channels: shape[1], height: shape[2], width: shape[3]).to(device)
        var added = noise
        if let extra = try draws.inputPerturbation(channels: shape[1], height: shape[2], width: shape[3]) {
            added = try noise + extra.to(device)
        }
        return try losses(
            of: latents, noise: noise, added: added, timesteps: timesteps, weights: weights, predict: predict)
    }

    /// The same with everything random given.
    ///
    /// - Parameters:
    ///   - noise: what the target is made of.
    ///   - added: what the latents are noised with.
    package func losses(
        of latents: Tensor, noise: Tensor, added: Tensor, timesteps: [Int], weights: [Double],
        predict: (_ noisy: Tensor, _ timesteps: Tensor) throws -> Tensor
    ) throws -> Tensor {
        let noisy = try schedule.noisy(latents, noise: added, at: timesteps)
        let target = try schedule.target(latents, noise: noise, at: timesteps)
        let prediction = try predict(noisy, Tensor.of(timesteps).to(device)).to(.float32)
        let error = try (prediction - target).squared().mean(over: [1, 2, 3])
        let factors = zip(timesteps, weights).map { Float($1 * weight(at: $0)) }
        return try error * Tensor.of(factors, shape: [factors.count]).to(device)
    }

    /// What min-SNR and debiased estimation make of a sample at a timestep.
    private func weight(at timestep: Int) -> Double {
        var weight = 1.0
        if let gamma = objective.minSNRGamma { weight *= schedule.minSNRWeight(at: timestep, gamma: gamma) }
        if objective.debiasedEstimation { weight *= schedule.debiasedWeight(at: timestep) }
        return weight
    }
}
