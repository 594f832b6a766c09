package import Torch

/// What a picture is to be made of.
package struct SamplingRequest: Codable, Equatable, Sendable {
    package var prompt: String
    package var negativePrompt = ""
    /// In pixels; multiples of the VAE's factor.
    package var width = 512
    package var height = 512
    package var steps = 30
    /// How far to go from the negative prompt towards the prompt; 1 or less asks about the prompt alone.
    package var guidance = 7.5
    package var seed: UInt64 = 0
    package var sampler = SamplerKind.ddim
    package var clipSkip = 1
    /// How much of all LoRAs' change is made.
    package var adapterWeight = 1.0

    package init(_ prompt: String) {
        self.prompt = prompt
    }
}

extension SamplingRequest {
    /// Makes sure that a model can make this.
    ///
    /// - Throws: what is wrong, with what is allowed.
    package func check(_ configuration: ModelConfiguration) throws(ModelError) {
        let factor = configuration.autoencoder.factor
        for (side, size) in [("width", width), ("height", height)]
        where size % factor != 0 || !(factor...16384).contains(size) {
            throw ModelError(side, "is \(size), but a picture's sides must be multiples of \(factor) up to 16384")
        }
        _ = try sampler.sampler(steps: steps, configuration.scheduler)
    }
}

/// A picture as planes of red, green and blue, each row by row, 0...1.
package struct PlanarPicture: Equatable, Sendable {
    package let width: Int
    package let height: Int
    /// `3 · height · width` values.
    package let values: [Float]
}

/// A whole model, ready to make pictures: what diffusers calls a pipeline.
package struct Sampling {
    private let tokenizer: Tokenizer
    private let textEncoder: TextEncoder
    private let unet: UNet
    private let autoencoder: Autoencoder
    private let configuration: ModelConfiguration
    private let device: Device

    package init(
        tokenizer: Tokenizer, textEncoder: TextEncoder, unet: UNet, autoencoder: Autoencoder,
        configuration: ModelConfiguration, on device: Device = .cpu
    ) {
        self.tokenizer = tokenizer
        self.textEncoder = textEncoder
        self.unet = unet
        self.autoencoder = autoencoder
        self.configuration = configuration
        self.device = device
    }

    /// Makes a picture.
    ///
    /// - Parameter progress: told after each step how many are done.
    /// - Throws: ``ModelError`` when the request does not suit the model.
    package func callAsFunction(
        _ request: SamplingRequest, progress: (Int) -> Void = { _ in }
    ) throws -> PlanarPicture {
        try withoutGradients {
            let latents = try self.latents(request, progress: progress)
            return try picture(of: latents)
        }
    }

    /// The scaled latents of a picture, `[1, 4, height / factor, width / factor]`, by classifier-free guidance.
    ///
    /// Ho & Salimans, 2022, <https://arxiv.org/abs/2207.12598>.
    package func latents(_ request: SamplingRequest, progress: (Int) -> Void = { _ in }) throws -> Tensor {
        var denoising = try begin(request)
        while try !advance(&denoising) { progress(denoising.stepsDone) }
        progress(denoising.stepsDone)
        return denoising.latents
    }

    /// Noise that is on its way to a picture.
    package struct Denoising {
        fileprivate let request: SamplingRequest
        fileprivate let context: Tensor
        fileprivate var sampler: any Sampler
        fileprivate let generator: Generator
        /// Of the shape that ``Sampling/picture(of:)`` takes.
        package fileprivate(set) var latents: Tensor
        package fileprivate(set) var stepsDone = 0
    }

    /// Draws the noise and encodes the prompts.
    ///
    /// - Throws: ``ModelError`` when the request does not suit the model.
    package func begin(_ request: SamplingRequest) throws -> Denoising {
        try request.check(configuration)
        let factor = configuration.autoencoder.factor
        return try withoutGradients {
            let context = try context(request, isGuided: request.guidance > 1)
            let sampler = try request.sampler.sampler(steps: request.steps, configuration.scheduler)
            let generator = try Generator(seed: request.seed)
            let shape = [1, configuration.autoencoder.latentChannels, request.height / factor, request.width / factor]
            let noise = try Tensor.normal(shape, generator: generator).to(device) * sampler.initialNoiseScale
            return Denoising(
                request: request, context: context, sampler: sampler, generator: generator, latents: noise)
        }
    }

    /// One step.
    ///
    /// - Returns: whether it was the last.
    package func advance(_ denoising: inout Denoising) throws -> Bool {
        try withoutGradients {
            let (step, latents) = (denoising.stepsDone, denoising.latents)
            let time = denoising.sampler.timesteps[step]
            let isGuided = denoising.request.guidance > 1
            let input = try denoising.sampler.modelInput(latents, at: step)
            let batch = isGuided ? try Tensor.concatenate([input, input], along: 0) : input
            let times = try Tensor.of(Array(repeating: Float(time), count: batch.shape[0]), shape: [batch.shape[0]])
            var prediction = try unet(batch, timesteps: times.to(device), context: denoising.context).to(.float32)
            if isGuided {
                let (without, with) = (try prediction.selected(0, 0), try prediction.selected(0, 1))
                prediction = try (without + denoising.request.guidance * (with - without)).unsqueezed(0)
            }
            let noise =
                denoising.sampler.addsNoise
                ? try Tensor.normal(latents.shape, generator: denoising.generator).to(device) : nil
            denoising.latents = try denoising.sampler.step(
                step, prediction: prediction, latents: latents, noise: noise)
            denoising.stepsDone += 1
            return denoising.stepsDone == denoising.sampler.timesteps.count
        }
    }

    /// Decodes scaled latents, `[1, 4, …]`.
    package func picture(of latents: Tensor) throws -> PlanarPicture {
        let pixels = try autoencoder.decode(autoencoder.unscaled(latents)).to(.float32)
        guard try pixels.isFinite() else {
            throw ModelError(
                "VAE", "decoded to NaN; this VAE overflows in fp16, so use it in fp32 (no_half_vae) or bf16")
        }
        let values = try (pixels * 0.5 + 0.5).clamped(0, 1).floats()
        return PlanarPicture(width: pixels.shape[3], height: pixels.shape[2], values: values)
    }

    /// The states of negative prompt and prompt, as many tokens of each as the longer needs.
    private func context(_ request: SamplingRequest, isGuided: Bool) throws -> Tensor {
        let prompts = isGuided ? [request.negativePrompt, request.prompt] : [request.prompt]
        let length = configuration.textEncoder.rowLength
        let longest = prompts.map { tokenizer.tokenCount($0) }.max() ?? 0
        let rows = min(max((longest + length - 3) / (length - 2), 1), 3)
        let chunks = prompts.map { prompt in
            PromptChunks(prompt, tokenizer: tokenizer, limit: rows * (length - 2), rowLength: length)
        }
        return try textEncoder(chunks, clipSkip: request.clipSkip, on: device)
    }
}
