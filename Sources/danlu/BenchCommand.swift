import ArgumentParser
import Foundation
import Recipe
import Torch

/// One worker's step on random latents, timed: what `Cluster/bench` holds against diffusers + PEFT.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time a training step of the UNet on this box.")

    @Option(
        name: .customLong("model"),
        help: "The base model: a diffusers folder, Stable Diffusion XL's too, or a single .safetensors file.")
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

    @Flag(help: "Three steps more: the fastest by kinds of work, and what one large product reaches here.")
    var kinds = false

    @Option(help: "With --kinds: how many of the most expensive operators are listed with their shapes.")
    var operators = 0

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
        var stepPageFaults: Int
        var startToFirstStepSeconds: Double
        var startToFirstStepDoneSeconds: Double
        var peakRSSBytes: Int
        var losses: [Double]
        var work: WorkTable?
    }

    func run() throws {
        guard resolution > 0, batch > 0, rank > 0, steps > 0, operators >= 0, threads ?? 1 > 0 else {
            throw ValidationError("Resolution, batch, rank, steps and threads must be at least 1.")
        }
        let device = try Device(parsing: device)
        LibTorch.keepMemory()
        LibTorch.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        let step = try BenchedStep(
            .init(resolution: resolution, batch: batch, rank: rank, precision: precision),
            baseModel: URL(filePath: baseModel), device: device)
        let begun = ProcessUsage.secondsSinceStart
        var losses = [try step.run()]
        let done = ProcessUsage.secondsSinceStart

        var seconds: [Double] = []
        var processorSeconds: [Double] = []
        var pageFaults: [Int] = []
        for _ in 0..<steps {
            let (began, before) = (ContinuousClock.now, ProcessUsage.now)
            losses.append(try step.run())
            seconds.append((ContinuousClock.now - began) / .seconds(1))
            let after = ProcessUsage.now
            processorSeconds.append(after.processorTime - before.processorTime)
            pageFaults.append(after.pageFaults - before.pageFaults)
        }
        let peak = ProcessUsage.now.peakMemory
        let figures = Figures(
            batch: batch, precision: precision.rawValue, resolution: resolution, rank: rank, threads: LibTorch.threads,
            stepSeconds: seconds.median, stepSecondsAll: seconds, stepProcessorSeconds: processorSeconds.median,
            stepPageFaults: pageFaults.median, startToFirstStepSeconds: begun, startToFirstStepDoneSeconds: done,
            peakRSSBytes: peak, losses: losses, work: kinds ? try table(of: step, on: device) : nil)
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = json ? [.sortedKeys] : [.sortedKeys, .prettyPrinted]
        var shown = figures
        if !json { shown.work = nil }
        Console.output.line(String(decoding: try encoder.encode(shown), as: UTF8.self))
        if !json, let work = figures.work {
            for line in work.lines(step: figures.stepSeconds) { Console.output.line(line) }
        }
    }

    /// Of the fastest of three steps: the one that met the fewest neighbours.
    private func table(of step: BenchedStep, on device: Device) throws -> WorkTable {
        var fastest: (times: [OperatorTime], seconds: Double)?
        for _ in 0..<3 {
            let began = ContinuousClock.now
            let (_, times) = try profiled { try step.run() }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            if seconds < fastest?.seconds ?? .infinity { fastest = (times, seconds) }
        }
        let (times, seconds) = fastest ?? ([], 0)
        let ceiling = try withoutGradients { try WorkTable.ceiling(as: step.type, on: device) }
        return WorkTable(times, stepSeconds: seconds, ceiling: ceiling, operators: operators)
    }
}

extension Array where Element: Comparable {
    /// The middle one of an array with elements; of an even number the upper of two.
    fileprivate var median: Element { sorted()[count / 2] }
}
