import Adapters
import Dataset
import Evaluation
import Foundation
import Recipe
import StableDiffusion
import Torch
import Training

/// The demo's model and pictures, and LoRAs that have been trained on them for a few steps.
struct DemoForge {
    let recipe: Recipe
    let manifest: Manifest
    let checkpoint: Checkpoint

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let otherArchitecture = root.appending(path: "Tests/Fixtures/training/tiny-sd1.adapter.safetensors").path

    /// - Parameter change: what to change in the demo's recipe.
    init(_ change: (inout Recipe) -> Void = { _ in }) throws {
        var recipe = try RecipeReader.read(file: Self.root.appending(path: "Cluster/demo-data/recipe.toml").path).recipe
        recipe.model.path = Self.root.appending(path: recipe.model.path).path
        recipe.data.trainDataDirectory = recipe.data.trainDataDirectory.map { Self.root.appending(path: $0).path }
        recipe.data.regDataDirectory = recipe.data.regDataDirectory.map { Self.root.appending(path: $0).path }
        recipe.schedule = Schedule()
        recipe.run.maxTrainSteps = 7
        recipe.run.savePrecision = .fp32
        change(&recipe)
        recipe.data = try recipe.data.withFoldersListed().data
        self.recipe = recipe
        manifest = try Manifest.make(from: recipe.data)
        checkpoint = try Checkpoint(at: URL(filePath: recipe.model.path))
    }

    /// Trains on one thread.
    ///
    /// - Returns: the weights, in the table's layout.
    func trained() throws -> [Float] {
        let plan = try TrainingPlan(recipe: recipe, buckets: manifest.plannedBuckets(recipe))
        let learner = try DiffusionLearner(
            recipe: recipe, manifest: manifest, checkpoint: checkpoint, device: .cpu,
            cache: LatentCache(memoryLimit: 1 << 24))
        let table = learner.table
        let weights = try Tensor.of(table.firstWeights(recipe), shape: [table.count])
        let moments = (try Tensor.zeros([table.count]), try Tensor.zeros([table.count]))
        let update = OptimizerUpdate(
            recipe.optimizer, scaling: try BatchScaling(recipe: recipe), ranges: table.learningRanges(of: recipe))
        var part = [Float](repeating: 0, count: table.count)
        for step in 0..<plan.totalSteps {
            try weights.withFloats { try learner.use($0) }
            let sum = try Tensor.zeros([table.count])
            var samples = 0
            for slot in 0..<plan.slotCount(of: step) {
                samples += try part.withUnsafeMutableBufferPointer {
                    try learner.gradient(ofSlot: plan.firstSlotOfRun(step: step) + slot, lossScale: 1, into: $0).samples
                }
                try sum.add(Tensor.of(part, shape: [table.count]))
            }
            try sum.multiply(by: 1 / Double(samples))
            try update.apply(
                to: weights, gradient: sum, moments: moments, update: step + 1,
                rates: [.unet: recipe.optimizer.unetLearningRate ?? 0])
        }
        return try weights.floats()
    }

    /// A LoRA file, removed with the object that it is in.
    final class File {
        let lora: LoRAFile
        private let folder: URL

        init(_ weights: [Float], _ table: ShapeTable) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "evaluation-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let path = folder.appending(path: "lora.safetensors").path
            try LoRAFile.write(table, weights: weights, precision: .fp32, metadata: [:], to: path)
            lora = try LoRAFile(path: path)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }

    func file(_ weights: [Float]) throws -> File {
        try File(weights, checkpoint.shapeTable(for: recipe.network))
    }

    /// As `danlu evaluate` measures, with less.
    func evaluator(_ change: (inout EvaluationSettings) -> Void = { _ in }) throws -> Evaluator {
        var settings = EvaluationSettings()
        settings.pictures = 2
        settings.timesteps = 2
        settings.unrelated = ["banana on a yellow background", "cat on a gray background"]
        settings.heldOut = ["on a pink background"]
        change(&settings)
        return try Evaluator(
            recipe: recipe, manifest: manifest, checkpoint: checkpoint, device: .cpu, settings: settings)
    }

    private static let withCaptions = Result { () -> [Float] in
        LibTorch.threads = 1
        return try DemoForge().trained()
    }
    private static let withoutCaptions = Result { () -> [Float] in
        LibTorch.threads = 1
        return try DemoForge {
            $0.data.subsetDefaults.captionDropoutRate = 1
            $0.data.regDataDirectory = nil
        }.trained()
    }

    /// Weights after the demo's captions, found once for all tests.
    static func weightsWithCaptions() throws -> [Float] { try withCaptions.get() }
    /// The same with every caption empty.
    static func weightsWithoutCaptions() throws -> [Float] { try withoutCaptions.get() }
}
