import Adapters
import Dataset
import Foundation
import Monitor
import Recipe
import StableDiffusion
import Torch
import Training

/// A recipe made concrete: the model opened, the pictures found, every step planned.
struct PreparedRun {
    let recipe: Recipe
    let manifest: Manifest
    let checkpoint: Checkpoint
    let vocabulary: String?
    let plan: TrainingPlan
    let table: ShapeTable
    /// Whether the recipe lists its datasets, rather than naming a folder of folders.
    let listsDatasets: Bool
    /// What the user should hear before anything runs.
    let notes: [String]

    /// - Parameters:
    ///   - workers: on this box; settles `threads_per_worker` where the recipe does not.
    init(file: String?, settings: [String], workers: Int) throws {
        var (recipe, notes) = try RecipeReader.read(file: file, arguments: settings)
        listsDatasets = !recipe.data.datasets.isEmpty
        let (data, folderNotes) = try recipe.data.withFoldersListed()
        recipe.data = data
        notes += folderNotes
        if recipe.cluster.threadsPerWorker == nil {
            // Threads decide the last bit, so a run that goes on keeps its own, however many workers there are now.
            let earlier = try? RecipeReader.read(file: recipe.run.outputDirectory + "/recipe.toml").recipe
            recipe.cluster.threadsPerWorker =
                earlier?.cluster.threadsPerWorker
                ?? max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, workers))
        }
        recipe.makePathsAbsolute()
        vocabulary = Vocabulary.path(beside: recipe.model.path)
        checkpoint = try Checkpoint(at: URL(filePath: recipe.model.path), options: recipe.model.options(vocabulary))
        manifest = try Manifest.make(from: recipe)
        notes += manifest.notes
        plan = try TrainingPlan(recipe: recipe, buckets: manifest.plannedBuckets(recipe))
        table = try checkpoint.shapeTable(for: recipe.network)
        self.recipe = recipe
        self.notes = notes
    }

    /// The pictures and the plan, as they are printed before anything runs.
    func printout(workers: Int) throws -> String {
        let tokenizer = try checkpoint.tokenizer()
        let pictures = manifest.table(recipe.data, tokenLimit: recipe.model.maxTokenLength) { tokenizer.tokenCount($0) }
        let plan = PlanText(
            recipe: recipe, plan: plan,
            learningRates: try LearningRates(recipe: recipe, totalSteps: plan.totalSteps), workers: workers,
            fileBytes: table.dataByteCount(as: recipe.run.savePrecision.stored), heldOut: manifest.heldOut.count
        ).text
        return [pictures, plan].joined(separator: "\n\n")
    }
}

extension BaseModel {
    /// How the model is opened.
    func options(_ vocabulary: String?) -> Checkpoint.Options {
        Checkpoint.Options(
            autoencoder: vae.map { URL(filePath: $0) }, vocabulary: vocabulary.map { URL(filePath: $0) },
            predictionType: vParameterization.map { $0 ? .velocity : .epsilon })
    }
}

extension Run.SavePrecision {
    /// The adapters' name for it.
    var stored: SavePrecision {
        switch self {
        case .fp32: .fp32
        case .fp16: .fp16
        case .bf16: .bf16
        }
    }
}

extension Recipe {
    /// Paths that mean the same from any folder, since workers have another one.
    mutating func makePathsAbsolute() {
        func absolute(_ path: String) -> String { URL(filePath: path).standardizedFileURL.path }
        model.path = absolute(model.path)
        model.vae = model.vae.map(absolute)
        network.initialWeights = network.initialWeights.map(absolute)
        run.outputDirectory = absolute(run.outputDirectory)
        run.loggingDirectory = run.loggingDirectory.map(absolute)
        samples.prompts = samples.prompts.map { $0 == Samples.automatic ? $0 : absolute($0) }
        for dataset in data.datasets.indices {
            for subset in data.datasets[dataset].subsets.indices {
                let path = data.datasets[dataset].subsets[subset].imageDirectory
                data.datasets[dataset].subsets[subset].imageDirectory = absolute(path)
            }
        }
    }
}

/// CLIP's vocabulary, which a base model in a single file does not bring.
enum Vocabulary {
    static let file = "bpe_simple_vocab_16e6.txt"

    /// nil for a folder, which has its own; else where `Cluster/setup` put it, if it did.
    static func path(beside model: String) -> String? {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: model, isDirectory: &isFolder), isFolder.boolValue { return nil }
        if let named = ProcessInfo.processInfo.environment["DANLU_VOCABULARY"] { return named }
        let program = Program.path.deletingLastPathComponent()
        let places = [
            program, program.appending(path: "../share/danlu"), program.appending(path: "../../../.deps/clip"),
            URL(filePath: ".deps/clip"),
        ]
        return places.map { $0.appending(path: file).standardizedFileURL.path }
            .first { FileManager.default.fileExists(atPath: $0) }
    }
}

/// This very program.
enum Program {
    /// Where the kernel says it lies, whatever it was called as.
    static var path: URL {
        URL(
            filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
                ?? CommandLine.arguments[0])
    }
}
