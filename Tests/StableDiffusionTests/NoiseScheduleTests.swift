import Testing
import Torch

@testable import StableDiffusion

// diffusers: DDPMScheduler(**SCHEDULE); kohya: prepare_scheduler_for_custom_training, apply_snr_weight and the others.
@Suite struct `The noise schedule` {
    private func schedule(_ type: PredictionType = .epsilon, zero: Bool = false) -> NoiseSchedule {
        var configuration = SchedulerConfiguration.stableDiffusion
        configuration.predictionType = type
        return NoiseSchedule(configuration, zeroTerminalSNR: zero)
    }

    private func expect(
        _ values: [Double], _ name: String, within tolerance: Double = 1e-5, location: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try #require(try Fixtures.tensors("schedule")[name]).floats()
        #expect(values.count == expected.count, sourceLocation: location)
        for (timestep, (value, expected)) in zip(values, expected).enumerated() {
            let allowed = tolerance * max(abs(Double(expected)), 1e-7)
            #expect(abs(value - Double(expected)) <= allowed, "\(name) at \(timestep)", sourceLocation: location)
        }
    }

    @Test func `agrees with diffusers`() throws {
        try expect(schedule().alphasCumulativeProduct, "alphas_cumprod")
        try expect(schedule().signalToNoise, "signal_to_noise")
        #expect(abs(schedule().alphasCumulativeProduct[999] - 0.00466009) < 1e-7)
    }

    @Test func `ends in pure noise when asked to, and keeps the old signal-to-noise ratio`() throws {
        let zero = schedule(zero: true)
        #expect(zero.alphasCumulativeProduct[999] == 0)
        try expect(zero.alphasCumulativeProduct, "zero_terminal_snr.alphas_cumprod", within: 1e-4)
        #expect(zero.signalToNoise == schedule().signalToNoise)
    }

    @Test(arguments: [false, true]) func `adds noise and makes velocities as diffusers does`(zero: Bool) throws {
        let tensors = try Fixtures.tensors("schedule")
        let latents = try #require(tensors["latents"]), noise = try #require(tensors["noise"])
        let timesteps = try #require(tensors["timesteps"]).integers()
        let prefix = zero ? "zero_terminal_snr." : ""
        let schedule = schedule(.velocity, zero: zero)
        let noisy = try schedule.noisy(latents, noise: noise, at: timesteps)
        #expect(try relativeError(noisy, #require(tensors[prefix + "noisy_latents"])) < 1e-6)
        let target = try schedule.target(latents, noise: noise, at: timesteps)
        #expect(try relativeError(target, #require(tensors[prefix + "velocity"])) < 1e-6)
    }

    @Test func `weighs losses as kohya's scripts do`() throws {
        for (type, name) in [(PredictionType.epsilon, "epsilon"), (.velocity, "v_prediction")] {
            let schedule = schedule(type)
            try expect((0..<1000).map { schedule.minSNRWeight(at: $0, gamma: 5) }, "min_snr_5.\(name)")
            try expect((0..<1000).map { schedule.debiasedWeight(at: $0) }, "debiased.\(name)")
        }
        try expect((0..<1000).map { schedule().velocityScale(at: $0) }, "scale_v")
        for type in [NoiseSchedule.HuberSchedule.signalToNoise, .exponential] {
            try expect(
                (0..<1000).map { schedule().huberThreshold(at: $0, schedule: type, c: 0.1) }, "huber_c.\(type.rawValue)"
            )
        }
    }

    @Test func `refuses a timestep that is not there`() throws {
        let latents = try Tensor.zeros([2, 4, 3, 3])
        #expect(throws: TorchError.self) { try schedule().noisy(latents, noise: latents, at: [0, 1000]) }
        #expect(throws: TorchError.self) { try schedule().noisy(latents, noise: latents, at: [0]) }
    }
}

// diffusers' schedulers, from the configuration of a Stable Diffusion folder, told what the model says.
@Suite struct `A sampler` {
    private func configuration(_ type: String, _ spacing: String) throws -> SchedulerConfiguration {
        var configuration = SchedulerConfiguration.stableDiffusion
        configuration.predictionType = try #require(PredictionType(rawValue: type))
        configuration.timestepSpacing = SchedulerConfiguration.TimestepSpacing(rawValue: spacing)
        return configuration
    }

    private func walk(_ kind: SamplerKind, _ configuration: SchedulerConfiguration, _ name: String) throws {
        let tensors = try Fixtures.tensors("samplers")
        func tensor(_ key: String) throws -> Tensor { try #require(tensors[key]) }
        var sampler = try kind.sampler(steps: 6, configuration)
        let times = try tensor("\(name).timesteps").floats()
        #expect(
            zip(sampler.timesteps, times).allSatisfy { abs($0 - Double($1)) < 1e-3 }, "\(name) \(sampler.timesteps)")
        var latents = try tensor("noise") * sampler.initialNoiseScale
        for step in 0..<6 {
            let expected = try tensor("\(name).latents").selected(0, step)
            #expect(try relativeError(latents, expected) < 1e-5, "\(name) before step \(step)")
            let input = try sampler.modelInput(latents, at: step)
            #expect(try relativeError(input, tensor("\(name).inputs").selected(0, step)) < 1e-5, "\(name) \(step)")
            latents = try sampler.step(
                step, prediction: tensor("outputs").selected(0, step), latents: latents,
                noise: sampler.addsNoise ? tensor("step_noise").selected(0, step) : nil)
        }
        #expect(try relativeError(latents, tensor("\(name).latents").selected(0, 6)) < 1e-5, "\(name) at the end")
    }

    @Test(arguments: ["epsilon", "v_prediction"], ["leading", "linspace", "trailing"])
    func `walks as diffusers does`(type: String, spacing: String) throws {
        let kinds = [
            (SamplerKind.ddim, "ddim"), (.euler, "euler"), (.eulerAncestral, "euler_ancestral"),
            (.dpmPlusPlus2M, "dpmpp_2m"),
        ]
        for (kind, name) in kinds { try walk(kind, configuration(type, spacing), "\(name).\(type).\(spacing)") }
    }

    @Test func `clips what it predicts if the configuration says so`() throws {
        var configuration = try configuration("epsilon", "leading")
        configuration.clipsSample = true
        try walk(.ddim, configuration, "ddim.clipped")
    }

    @Test(arguments: SamplerKind.allCases) func `refuses as many steps as there are timesteps`(kind: SamplerKind) {
        for steps in [0, -3, 1000] {
            #expect { try kind.sampler(steps: steps, .stableDiffusion) } throws: {
                "\($0)".contains("sample_steps: is \(steps), but must be in 1...999")
            }
        }
        #expect(SamplerKind(named: kind.rawValue) == kind)
    }

    @Test(arguments: SamplerKind.allCases, [1, 2, 7, 333, 999])
    func `stays within the schedule for any number of steps`(kind: SamplerKind, steps: Int) throws {
        for spacing in SchedulerConfiguration.TimestepSpacing.allCases {
            var configuration = SchedulerConfiguration.stableDiffusion
            configuration.timestepSpacing = spacing
            var sampler = try kind.sampler(steps: steps, configuration)
            #expect(sampler.timesteps.count == steps)
            #expect(sampler.timesteps.allSatisfy { (0...999).contains($0) }, "\(spacing) \(sampler.timesteps)")
            let noise = try Tensor.full([1, 1, 1, 1], 0.5)
            var latents = noise
            for step in 0..<min(steps, 7) {
                latents = try sampler.step(step, prediction: noise, latents: latents, noise: noise)
            }
            #expect(try latents.isFinite())
        }
    }
}
