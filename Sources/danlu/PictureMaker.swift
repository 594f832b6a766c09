import Adapters
import ArgumentParser
import Foundation
import Images
import Layers
import Recipe
import StableDiffusion
import Torch
import Training

/// Which model makes pictures, and how: what sample and compare have in common.
struct PictureOptions: ParsableArguments {
    @Option(help: "The base model: a diffusers folder or a single .safetensors file.")
    var model: String

    @Option(help: "A VAE that replaces the model's own.")
    var vae: String?

    @Option(help: "auto, cpu or cuda:N.")
    var device = "auto"

    @Option(help: "What the networks compute in: fp32, fp16 or bf16.")
    var precision = ComputePrecision.fp32

    @Option(help: "Threads; all cores unless said.")
    var threads: Int?

    @Option(help: "Steps, where a prompt does not say (--s).")
    var steps = 30

    @Option(help: "Guidance, where a prompt does not say (--l).")
    var guidance = 7.5

    @Option(help: "Width in pixels, where a prompt does not say (--w).")
    var width = 512

    @Option(help: "Height in pixels, where a prompt does not say (--h).")
    var height = 512

    @Option(help: "Seed, where a prompt does not say (--d).")
    var seed: UInt64 = 0

    @Option(help: "ddim, euler, euler_a or dpmsolver++, where a prompt does not say (--ss).")
    var sampler = "ddim"

    @Option(help: "The text encoder's layer, counted from the last.")
    var clipSkip = 1

    /// What a prompt that says nothing else asks for.
    func request(_ prompt: String) throws -> SamplingRequest {
        guard let kind = SamplerKind(named: sampler) else {
            throw Failure("--sampler = \(sampler): there are ddim, euler, euler_a and dpmsolver++")
        }
        guard guidance.isFinite else { throw Failure("--guidance = \(guidance) must be a number, such as 7.5") }
        var request = SamplingRequest(prompt)
        request.steps = steps
        request.guidance = guidance
        request.width = width
        request.height = height
        request.seed = seed
        request.sampler = kind
        request.clipSkip = clipSkip
        return request
    }
}

/// The number formats by the names that people use.
enum ComputePrecision: String, ExpressibleByArgument, CaseIterable {
    case fp32, fp16, bf16

    var mixed: Precision.Mixed {
        switch self {
        case .fp32: .no
        case .fp16: .fp16
        case .bf16: .bf16
        }
    }
}

/// A LoRA file, and how much of it: `FILE` or `FILE:0.8`.
struct WeightedLoRA: ExpressibleByArgument {
    let path: String
    let weight: Double

    init?(argument: String) {
        if let colon = argument.lastIndex(of: ":"), let weight = Double(argument[argument.index(after: colon)...]) {
            self.weight = weight
            path = String(argument[..<colon])
        } else {
            weight = 1
            path = argument
        }
    }
}

/// A base model with LoRA files on it, ready to make pictures.
struct PictureMaker {
    private let sampling: Sampling
    private let label: String
    private let adapters: [AppliedAdapters]

    init(_ options: PictureOptions, loras: [WeightedLoRA]) throws {
        let device = try Device(parsing: options.device)
        LibTorch.threads = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
        var model = BaseModel()
        model.path = options.model
        model.vae = options.vae
        let checkpoint = try Checkpoint(
            at: URL(filePath: options.model), options: model.options(Vocabulary.path(beside: options.model)))
        let type = options.precision.mixed.scalarType(on: device)
        let files = try loras.map { (file: try LoRAFile(path: $0.path), weight: $0.weight) }
        func weights(_ part: ModelPart, _ adapted: AdaptedPart) throws -> (Weights, AppliedAdapters) {
            let adapters = AppliedAdapters(files, part: adapted, device: device)
            return (Weights(try checkpoint.weights(of: part, as: type, on: device), adaptedBy: adapters), adapters)
        }
        let (textWeights, textAdapters) = try weights(.textEncoder, .textEncoder)
        let (unetWeights, unetAdapters) = try weights(.unet, .unet)
        sampling = try Sampling(
            tokenizer: checkpoint.tokenizer(),
            textEncoder: TextEncoder(textWeights, checkpoint.configuration.textEncoder),
            unet: UNet(unetWeights, checkpoint.configuration.unet),
            autoencoder: Autoencoder(
                Weights(checkpoint.weights(of: .autoencoder, as: .float32, on: device)),
                checkpoint.configuration.autoencoder),
            configuration: checkpoint.configuration, on: device)
        try textAdapters.requireAllPlaced()
        try unetAdapters.requireAllPlaced()
        adapters = [textAdapters, unetAdapters]
        let names = loras.map {
            "<lora:\(URL(filePath: $0.path).deletingPathExtension().lastPathComponent):\($0.weight)>"
        }
        label = ([URL(filePath: options.model).deletingPathExtension().lastPathComponent] + names).joined(
            separator: " ")
    }

    func picture(_ request: SamplingRequest) throws -> PixelImage {
        for part in adapters { part.multiplier = request.adapterWeight }
        return PixelImage(try sampling(request))
    }

    /// What a picture says of itself.
    func parameters(_ request: SamplingRequest) -> [String: String] { request.parameters(model: label) }
}
