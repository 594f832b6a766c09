import Recipe
import StableDiffusion
import Torch

/// The base model's own way from noise to a picture of a prompt: points at which another model can be asked.
struct WayProbe {
    let prompt: String
    let timesteps: [Int]
    /// `[timesteps, channels, height, width]`: what the base model was shown at each step.
    let points: Tensor

    /// Goes the way, by DDIM without guidance.
    ///
    /// - Parameters:
    ///   - base: with its LoRA's weight at 0, if it has one.
    ///   - shape: of the latents, `[1, channels, height, width]`.
    init(
        _ prompt: String, index: Int, steps: Int, shape: [Int], seed: UInt64, base: AdjustableModel,
        scheduler: SchedulerConfiguration, device: Device
    ) throws {
        self.prompt = prompt
        var sampler = try SamplerKind.ddim.sampler(steps: steps, scheduler)
        timesteps = sampler.timesteps.map { Int($0) }
        var random = CounterRandom(seed: seed, purpose: .evaluation, epoch: 1, picture: index)
        var latents = try Tensor.of(random.normals(shape.reduce(1, *)), shape: shape).to(device)
        latents = try latents * sampler.initialNoiseScale
        var shown: [Tensor] = []
        for (step, timestep) in timesteps.enumerated() {
            shown.append(latents)
            let prediction = try base.prediction(latents, timesteps: [timestep], prompt: prompt)
            latents = try sampler.step(step, prediction: prediction, latents: latents, noise: nil)
        }
        points = try Tensor.concatenate(shown, along: 0)
    }
}
