import Dataset
import Recipe
import StableDiffusion
import Torch

/// One training picture, noised once and for all: what the models are asked about.
struct PictureProbe {
    let prompts: Prompts
    let timesteps: [Int]
    /// `[timesteps, channels, height, width]`, as is `target`.
    let noisy: Tensor
    let target: Tensor

    /// - Parameters:
    ///   - latents: the VAE's mean, unscaled.
    ///   - timesteps: the same for every picture.
    init(
        _ latents: CachedLatents, index: Int, prompts: Prompts, timesteps: [Int], seed: UInt64,
        schedule: NoiseSchedule, autoencoder: AutoencoderConfiguration, device: Device
    ) throws {
        self.prompts = prompts
        self.timesteps = timesteps
        let shape = [1, latents.shape.channels, latents.shape.height, latents.shape.width]
        let clean = try (Tensor.of(latents.mean, shape: shape) - autoencoder.shiftFactor) * autoencoder.scalingFactor
        let noise = try timesteps.indices.map { number in
            var random = CounterRandom(seed: seed, purpose: .evaluation, picture: index, repetition: number)
            return try Tensor.of(random.normals(latents.shape.count), shape: shape)
        }
        let all = try Tensor.concatenate(noise, along: 0).to(device)
        let repeated = try Tensor.concatenate(timesteps.map { _ in clean }, along: 0).to(device)
        noisy = try schedule.noisy(repeated, noise: all, at: timesteps)
        target = try schedule.target(repeated, noise: all, at: timesteps)
    }

    /// The middles of equal parts of the timesteps that the recipe trains on.
    static func timesteps(_ count: Int, _ objective: Objective, of schedule: NoiseSchedule) -> [Int] {
        let end = min(objective.maxTimestep, schedule.count)
        let width = Double(end - objective.minTimestep) / Double(count)
        return (0..<count).map { min(end - 1, objective.minTimestep + Int((Double($0) + 0.5) * width)) }
    }
}
