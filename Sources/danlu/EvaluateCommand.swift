import Adapters
import ArgumentParser
import Evaluation
import Foundation
import Images
import Recipe
import Torch

/// What LoRA files are worth, measured: fidelity, ease of calling, generality.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure what LoRA files are worth: fidelity, ease of calling, generality; and which to keep.")

    @Argument(help: "LoRA files; epochs of one run, for example.")
    var loras: [String]

    @Option(
        help: "The recipe that they were trained with: its model, pictures and captions. RUN_DIR/recipe.toml will do.")
    var recipe: String

    @Option(help: "How much of each LoRA's change is made.")
    var weight = 1.0

    @Option(help: "Another LoRA to put beside each, and how much of it: FILE or FILE:0.8.")
    var beside: WeightedLoRA?

    @Option(help: "The word that calls the LoRAs; found in the captions unless said.")
    var trigger: String?

    @Option(help: "A file with prompts that have nothing to do with the LoRAs, one on each line.")
    var unrelated: String?

    @Option(
        help:
            "A file with words to put behind the trigger that were not trained, such as 'in the snow', one on each line."
    )
    var heldOut: String?

    @Option(help: "Training pictures to ask about, spread over all of them.")
    var pictures = 8

    @Option(help: "Timesteps of each.")
    var timesteps = 8

    @Option(help: "What the noise comes from.")
    var seed: UInt64 = 0

    @Option(help: "auto, cpu or cuda:N; the recipe's unless said.")
    var device: String?

    @Option(help: "Threads; all cores unless said.")
    var threads: Int?

    @Flag(help: "Print JSON instead of tables.")
    var json = false

    @Option(help: "A file for the bars as a picture, in SVG.")
    var chart: String?

    func validate() throws {
        guard !loras.isEmpty else { throw ValidationError("name a LoRA file, or several to compare") }
        guard trigger?.allSatisfy(\.isWhitespace) != true else { throw ValidationError("--trigger is empty") }
    }

    func run() throws {
        let prepared = try PreparedRun(file: recipe, settings: [], workers: 1)
        let device = try Device(parsing: device ?? prepared.recipe.cluster.device)
        LibTorch.keepMemory()
        LibTorch.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        LibTorch.setDeterministic(true)
        // All files are opened before the first is measured, which may take long.
        let files = try loras.map { try LoRAFile(path: $0) }
        let companion = try beside.map { (file: try LoRAFile(path: $0.path), weight: $0.weight) }
        let evaluator = try Evaluator(
            recipe: prepared.recipe, manifest: prepared.manifest, checkpoint: prepared.checkpoint, device: device,
            settings: settings()
        ) { Console.error.line("\($0)…") }
        let measured = try files.map { file in
            (
                file: file.path, tensors: file.tensorDataHash,
                qualities: try evaluator.qualities(of: file, beside: companion)
            )
        }
        let report = EvaluationReport(
            evaluator, model: prepared.recipe.model.path, weight: weight, measured: measured)
        if let chart {
            do {
                try writeAtomically([UInt8](EvaluationChart(report).svg.utf8), to: chart)
            } catch {
                throw Failure("--chart \(chart) cannot be written (\(error)): name a file in a folder of yours")
            }
        }
        Console.output.line(json ? try report.json : report.table)
    }

    private func settings() throws -> EvaluationSettings {
        var settings = EvaluationSettings()
        settings.pictures = pictures
        settings.timesteps = timesteps
        settings.seed = seed
        settings.weight = weight
        settings.trigger = trigger
        settings.unrelated = try unrelated.map { try lines(of: $0, option: "--unrelated") }
        settings.heldOut = try heldOut.map { try lines(of: $0, option: "--held-out") }
        return settings
    }

    /// What is on a file's lines; `#` begins a comment.
    private func lines(of path: String, option: String) throws -> [String] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Failure("\(option) \(path): cannot be read as UTF-8 text; name a file with a prompt on each line")
        }
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard (1...64).contains(lines.count) else {
            throw Failure("\(option) \(path): has \(lines.count) lines and must have 1 to 64")
        }
        return lines
    }
}
