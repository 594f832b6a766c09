import Adapters
import ArgumentParser
import Foundation
import Recipe
import StableDiffusion
import Torch
import Training

/// One worker's step on random latents, timed: what `Cluster/bench` holds against diffusers + PEFT.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time a training step of the UNet on this box.")

    @Option(name: .customLong("model"), help: "The base model: a diffusers folder or a single .safetensors file.")
    var baseModel: String

    @Option(help: "Pixels of a side.")
    var resolution = 256

    @Option(help: "Samples in a step.")
    var batch = 1

    @Option(help: "fp32, fp16 or bf16.")
    var precision = ComputePrecision.fp32

    @Option(help: "The adapter's rank.")
    var rank = 16

    @Option(help: "Threads; all cores unless said.")
    var threads: Int?

    @Option(help: "Steps that are timed, after one that is not.")
    var steps = 5

    @Option(help: "auto, cpu or cuda:N.")
    var device = "auto"

    @Flag(help: "One line of JSON.")
    var json = false

    /// What is printed, with the peer's names.
    private struct Figures: Encodable {
        var tool = "danlu"
        var batch: Int
        var precision: String
        var resolution: Int
        var rank: Int
        var threads: Int
        var stepSeconds: Double
        var stepSecondsAll: [Double]
        /// Of all threads of this process.
        var stepProcessorSeconds: Double
        var startToFirstStepSeconds: Double
        var startToFirstStepDoneSeconds: Double
        var peakRSSBytes: Int
        var losses: [Double]
    }

    func run() throws {
        let device = try Device(parsing: device)
        LibTorch.keepMemory()
        LibTorch.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        var recipe = Recipe()
        recipe.network.rank = rank
        recipe.network.alpha = Double(rank)
        recipe.network.trainsTextEncoder = false
        recipe.precision.mixed = precision.mixed
        recipe.optimizer.learningRate = 1e-4
        let checkpoint = try Checkpoint(at: URL(filePath: baseModel), options: .init(vocabulary: nil))
        let table = try checkpoint.shapeTable(for: recipe.network)
        let weights = try Tensor.of(try table.firstWeights(recipe), shape: [table.count])
        let model = try AdaptedModel(
            checkpoint, table: table, floats: weights.floats(),
            computing: recipe.precision.mixed.scalarType(on: device),
            device: device)
        let loss = try DiffusionLoss(recipe: recipe, scheduler: checkpoint.configuration.scheduler, device: device)
        let update = OptimizerUpdate(
            recipe.optimizer, scaling: try BatchScaling(recipe: recipe), ranges: table.learningRanges(of: recipe))
        let moments = (try Tensor.zeros([table.count]), try Tensor.zeros([table.count]))

        let side = resolution / checkpoint.configuration.autoencoder.factor
        let generator = try Generator(seed: 0)
        let width = checkpoint.configuration.unet.contextWidth
        let context = try Tensor.normal([batch, 77, width], generator: generator).to(device)
        var seconds: [Double] = []
        var processorSeconds: [Double] = []
        var losses: [Double] = []
        var startToFirstStep = 0.0
        var startToFirstStepDone = 0.0
        for step in 0...steps {
            let (began, beganProcessor) = (ContinuousClock.now, Self.processorSeconds)
            if step == 0 { startToFirstStep = Self.secondsSinceStart }
            let slot = Slot(
                epoch: step, bucket: 0, samples: (0..<batch).map { SampleAddress(picture: $0, repetition: 0) })
            let latents = try Tensor.normal([batch, 4, side, side], generator: generator).to(device)
            let each = try loss.losses(
                of: latents, draws: NoiseDraws(recipe.objective, seed: 0, slot: slot),
                weights: [Double](repeating: 1, count: batch)
            ) { noisy, timesteps in try model.unet(noisy, timesteps: timesteps, context: context) }
            let sum = try each.sum()
            let gradient = try model.adapters.gradient(of: sum).to(Device.cpu) * (1 / Double(batch))
            _ = try clip(gradient, to: recipe.optimizer.maxGradientNorm)
            try update.apply(
                to: weights, gradient: gradient, moments: moments, update: step + 1,
                rates: [.unet: recipe.optimizer.learningRate])
            try weights.withFloats { try model.adapters.load($0) }
            try device.synchronize()
            losses.append(try sum.item() / Double(batch))
            let elapsed = (ContinuousClock.now - began) / .seconds(1)
            if step == 0 {
                startToFirstStepDone = Self.secondsSinceStart
            } else {
                seconds.append(elapsed)
                processorSeconds.append(Self.processorSeconds - beganProcessor)
            }
        }
        let figures = Figures(
            batch: batch, precision: precision.rawValue, resolution: resolution, rank: rank, threads: LibTorch.threads,
            stepSeconds: seconds.sorted()[seconds.count / 2], stepSecondsAll: seconds,
            stepProcessorSeconds: processorSeconds.sorted()[processorSeconds.count / 2],
            startToFirstStepSeconds: startToFirstStep,
            startToFirstStepDoneSeconds: startToFirstStepDone,
            peakRSSBytes: Self.peakMemory, losses: losses)
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = json ? [.sortedKeys] : [.sortedKeys, .prettyPrinted]
        Console.output.line(String(decoding: try encoder.encode(figures), as: UTF8.self))
    }

    /// Since the kernel started this process.
    private static var secondsSinceStart: Double {
        let stat = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
        let uptime = (try? String(contentsOfFile: "/proc/uptime", encoding: .utf8)) ?? ""
        // The name in parentheses may hold blanks; the start time is the 20th field behind it, in ticks.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 19, let ticks = Double(fields[19]), let now = uptime.split(separator: " ").first,
            let seconds = Double(now)
        else { return 0 }
        return seconds - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static var peakMemory: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }
}
