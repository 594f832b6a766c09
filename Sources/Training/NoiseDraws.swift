package import Recipe
package import Torch

private enum Aten {
    static let upsampleBilinear = Operator("upsample_bilinear2d", overload: "vec")
}

/// All that is random in the noising of one slot, drawn at its samples' addresses: any worker draws the same.
///
/// kohya: `TU.get_noise_noisy_latents_and_timesteps`, `CTF.apply_noise_offset`, `CTF.pyramid_noise_like`.
package struct NoiseDraws {
    private let objective: Objective
    private let seed: UInt64
    private let slot: Slot
    private let fixedTimesteps: [Int]?

    /// - Parameter timesteps: of each sample, where they are not drawn.
    package init(_ objective: Objective, seed: UInt64, slot: Slot, timesteps: [Int]? = nil) {
        self.objective = objective
        self.seed = seed
        self.slot = slot
        fixedTimesteps = timesteps
    }

    private func random(_ purpose: CounterRandom.Purpose, _ sample: SampleAddress) -> CounterRandom {
        CounterRandom(
            seed: seed, purpose: purpose, epoch: slot.epoch, picture: sample.picture, repetition: sample.repetition)
    }

    /// Standard normal values for each sample: `[samples] + shape`.
    package func normals(_ purpose: CounterRandom.Purpose, shape: [Int]) throws -> Tensor {
        let each = shape.reduce(1, *)
        let tensor = try Tensor.empty([slot.samples.count] + shape)
        try tensor.withMutableFloats { buffer in
            for (index, sample) in slot.samples.enumerated() {
                var random = random(purpose, sample)
                random.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[(index * each)..<((index + 1) * each)]))
            }
        }
        return tensor
    }

    /// ε, with noise offset and multi-resolution noise: `[samples, channels, height, width]`.
    package func noise(channels: Int, height: Int, width: Int) throws -> Tensor {
        var noise = try normals(.noise, shape: [channels, height, width])
        if objective.noiseOffset != 0 {
            noise = try noise + normals(.noiseOffset, shape: [channels, 1, 1]) * objective.noiseOffset
        }
        if objective.multiresNoiseIterations > 0 {
            noise = try multiresolution(noise, channels: channels, height: height, width: width)
        }
        return noise
    }

    private func multiresolution(_ noise: Tensor, channels: Int, height: Int, width: Int) throws -> Tensor {
        var samples: [Tensor] = []
        for (index, sample) in slot.samples.enumerated() {
            var random = random(.multires, sample)
            var sum = try noise.narrowed(0, from: index, length: 1)
            var discount = 1.0
            for iteration in 0..<objective.multiresNoiseIterations {
                let ratio = powered(2 + 2 * random.double(), iteration)
                let small = [max(1, Int(Double(height) / ratio)), max(1, Int(Double(width) / ratio))]
                let coarse = try Tensor.of(
                    random.normals(channels * small[0] * small[1]), shape: [1, channels] + small)
                let grown = try Aten.upsampleBilinear(
                    .tensor(coarse), .ints([height, width]), .bool(false), .none)
                sum = try sum + grown * discount
                discount *= objective.multiresNoiseDiscount
                if small.contains(1) { break }
            }
            samples.append(sum)
        }
        let all = try Tensor.concatenate(samples, along: 0)
        return try all / all.standardDeviation()
    }

    private func powered(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }

    /// What `ip_noise_gamma` adds to ε in the input alone; nil when it is off.
    package func inputPerturbation(channels: Int, height: Int, width: Int) throws -> Tensor? {
        guard objective.ipNoiseGamma != 0 else { return nil }
        return try normals(.inputPerturbation, shape: [channels, height, width]) * objective.ipNoiseGamma
    }

    /// A timestep for each sample, uniform in `min_timestep ..< max_timestep`.
    package func timesteps() -> [Int] {
        if let fixedTimesteps { return fixedTimesteps }
        return slot.samples.map { sample in
            guard objective.minTimestep < objective.maxTimestep else { return objective.maxTimestep }
            var random = random(.timestep, sample)
            return random.integer(in: objective.minTimestep..<objective.maxTimestep)
        }
    }
}
