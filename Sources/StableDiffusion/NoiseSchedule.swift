import Glibc
package import Torch

/// How much of a sample is left, and how much is noise, at each timestep of the diffusion.
///
/// Agrees with diffusers' `DDPMScheduler`. Ho et al., 2020, <https://arxiv.org/abs/2006.11239>.
package struct NoiseSchedule: Sendable, Equatable {
    /// `ᾱ`, the share of the sample's variance that is left, for each timestep.
    package let alphasCumulativeProduct: [Double]
    /// `ᾱ / (1 - ᾱ)`, for each timestep, of the schedule before its end was moved to pure noise, as kohya's scripts have it.
    package let signalToNoise: [Double]
    package let predictionType: PredictionType

    /// - Parameter zeroTerminalSNR: whether the last timestep is to be pure noise even if the configuration does not say so.
    package init(_ configuration: SchedulerConfiguration = SchedulerConfiguration(), zeroTerminalSNR: Bool = false) {
        let betas = Self.betas(configuration)
        let alphas = Self.cumulativeProduct(betas)
        predictionType = configuration.predictionType
        signalToNoise = alphas.map { $0 / (1 - $0) }
        let rescales = zeroTerminalSNR || configuration.rescalesToZeroTerminalSNR
        alphasCumulativeProduct = rescales ? Self.rescaledToZeroTerminalSNR(alphas) : alphas
    }

    /// How many timesteps there are, 0..<count.
    package var count: Int { alphasCumulativeProduct.count }

    /// Noisy samples: `√ᾱ·x₀ + √(1-ᾱ)·ε`.
    ///
    /// - Parameters:
    ///   - latents: `x₀`, `[batch, …]`.
    ///   - noise: `ε`, of the same shape.
    ///   - timesteps: one for each of the batch.
    package func noisy(_ latents: Tensor, noise: Tensor, at timesteps: [Int]) throws -> Tensor {
        let (signal, spread) = try coefficients(timesteps, like: latents)
        return try signal * latents + spread * noise
    }

    /// The velocity `v = √ᾱ·ε - √(1-ᾱ)·x₀`; see ``noisy(_:noise:at:)``.
    package func velocity(_ latents: Tensor, noise: Tensor, at timesteps: [Int]) throws -> Tensor {
        let (signal, spread) = try coefficients(timesteps, like: latents)
        return try signal * noise - spread * latents
    }

    /// What the model is to predict: the noise, or the velocity.
    package func target(_ latents: Tensor, noise: Tensor, at timesteps: [Int]) throws -> Tensor {
        switch predictionType {
        case .epsilon: noise
        case .velocity: try velocity(latents, noise: noise, at: timesteps)
        }
    }

    /// `√ᾱ` and `√(1-ᾱ)`, shaped to multiply the latents.
    private func coefficients(_ timesteps: [Int], like latents: Tensor) throws -> (Tensor, Tensor) {
        guard timesteps.count == latents.shape.first, timesteps.allSatisfy((0..<count).contains) else {
            throw TorchError(
                operation: "noise_schedule", shapes: [latents.shape],
                message: "needs one timestep in 0..<\(count) for each sample, not \(timesteps.prefix(8))")
        }
        let shape = [timesteps.count] + Array(repeating: 1, count: latents.shape.count - 1)
        func tensor(_ values: [Float]) throws -> Tensor {
            try Tensor.of(values, shape: shape).to(latents.device).to(latents.scalarType)
        }
        return (
            try tensor(timesteps.map { Float(alphasCumulativeProduct[$0]).squareRoot() }),
            try tensor(timesteps.map { (1 - Float(alphasCumulativeProduct[$0])).squareRoot() })
        )
    }

    /// The betas in fp32, as diffusers computes them.
    private static func betas(_ configuration: SchedulerConfiguration) -> [Float] {
        let count = configuration.trainTimesteps
        if let betas = configuration.trainedBetas { return betas.map(Float.init) }
        switch configuration.betaSchedule {
        case .linear: return evenly(configuration.betaStart, configuration.betaEnd, count)
        case .scaledLinear:
            return evenly(configuration.betaStart.squareRoot(), configuration.betaEnd.squareRoot(), count).map {
                $0 * $0
            }
        case .squaredCosine:
            func left(_ time: Double) -> Double { pow(cos((time + 0.008) / 1.008 * .pi / 2), 2) }
            return (0..<count).map { step in
                let (now, next) = (Double(step) / Double(count), Double(step + 1) / Double(count))
                return Float(min(1 - left(next) / left(now), 0.999))
            }
        }
    }

    /// `torch.linspace` in fp32, which counts from both ends.
    private static func evenly(_ start: Double, _ end: Double, _ count: Int) -> [Float] {
        let (start, end) = (Float(start), Float(end))
        let step = (end - start) / Float(count - 1)
        return (0..<count).map { $0 < count / 2 ? start + step * Float($0) : end - step * Float(count - 1 - $0) }
    }

    private static func cumulativeProduct(_ betas: [Float]) -> [Double] {
        var product = 1.0
        return betas.map { beta in
            product *= Double(1 - beta)
            return Double(Float(product))
        }
    }

    /// Moves and stretches `√ᾱ` so that it ends at 0 and begins where it did.
    ///
    /// Lin et al., 2023, algorithm 1, <https://arxiv.org/abs/2305.08891>.
    private static func rescaledToZeroTerminalSNR(_ alphas: [Double]) -> [Double] {
        let roots = alphas.map { Float($0).squareRoot() }
        let (first, last) = (roots[0], roots[roots.count - 1])
        let products = roots.map { root in
            let moved = (root - last) * (first / (first - last))
            return moved * moved
        }
        // diffusers goes back to betas and multiplies up again; the detour changes the last digits.
        var betas = [1 - products[0]]
        for (before, after) in zip(products, products.dropFirst()) { betas.append(1 - after / before) }
        return cumulativeProduct(betas)
    }
}
