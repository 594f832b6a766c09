import Adapters
import Dataset
import Foundation
import Images
import Recipe
import StableDiffusion
import Torch
import Training

/// A folder with six pictures of three shapes, and a recipe for the small model of the fixtures.
final class Forge {
    let folder: URL
    var recipe = Recipe()

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "training-\(UUID().uuidString)")
        let pictures = folder.appending(path: "data/3_a horse")
        try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
        for (index, size) in [(24, 24), (32, 20), (20, 32), (40, 24), (24, 24), (26, 22)].enumerated() {
            var image = PixelImage(size: PixelSize(width: size.0, height: size.1), red: 0, green: 0, blue: 0)
            for place in image.samples.indices { image.samples[place] = UInt8(place * (5 + index) % 251) }
            try image.writePNG(to: pictures.appending(path: "\(index).png").path)
            try Data("a horse, number \(index)".utf8).write(to: pictures.appending(path: "\(index).txt"))
        }
        recipe.model.path = Fixtures.folder.appending(path: "tiny-sd1").path
        recipe.data.trainDataDirectory = folder.appending(path: "data").path
        (recipe.data.datasetDefaults.width, recipe.data.datasetDefaults.height) = (24, 24)
        recipe.data.datasetDefaults.enableBucket = true
        recipe.data.datasetDefaults.minBucketResolution = 16
        recipe.data.datasetDefaults.maxBucketResolution = 40
        recipe.data.datasetDefaults.bucketResolutionSteps = 8
        recipe.data.subsetDefaults.flipAugmentation = true
        recipe.network.rank = 2
        recipe.batch.trainBatchSize = 2
        recipe.batch.gradientAccumulationSteps = 5
        recipe.run.maxTrainSteps = 40
        recipe.run.outputDirectory = folder.appending(path: "out").path
        recipe.run.seed = 3
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func checkpoint() throws -> Checkpoint { try Checkpoint(at: URL(filePath: recipe.model.path)) }

    func table() throws -> ShapeTable { try checkpoint().shapeTable(for: recipe.network) }

    func manifest() throws -> Manifest {
        recipe.data = try recipe.data.withFoldersListed().data
        return try Manifest.make(from: recipe)
    }

    func plan() throws -> TrainingPlan {
        let manifest = try manifest()
        return try TrainingPlan(recipe: recipe, buckets: manifest.plannedBuckets(recipe))
    }

    /// A worker's learner, at weights at which no gradient vanishes.
    func learner() throws -> DiffusionLearner {
        let manifest = try manifest()
        let learner = try DiffusionLearner(
            recipe: recipe, manifest: manifest, checkpoint: checkpoint(), device: .cpu,
            cache: LatentCache(memoryLimit: 1 << 20))
        try learner.use(weights: Self.weights(count: learner.table.count))
        return learner
    }

    /// Small numbers either side of zero.
    static func weights(count: Int) -> [Float] {
        var random = CounterRandom(seed: 11, purpose: .adapterInit)
        return random.normals(count).map { $0 * 0.1 }
    }

    func files(fresh: Bool = false) throws -> RunFiles {
        try RunFiles(recipe: recipe, fresh: fresh) { _, step, epoch in ["ss_steps": "\(step)", "ss_epoch": "\(epoch)"] }
    }

    /// The owner of the weights, as `files` has it or from `initial`.
    func master(_ files: RunFiles? = nil) throws -> TrainingMaster {
        let table = try table()
        return try TrainingMaster(
            recipe: recipe, plan: plan(), table: table, initial: { Self.weights(count: table.count) },
            files: try files ?? self.files())
    }

    /// The names of what is in a folder of the run, hidden files included.
    func names(in name: String = "out") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path)) ?? []).sorted()
    }
}

extension DiffusionLearner {
    func use(weights: [Float]) throws { try weights.withUnsafeBufferPointer { try use($0) } }

    /// The gradient of a slot in steps of five, and what else came of it.
    func gradient(of slot: Int, step: Int = 0, lossScale: Float = 1) throws -> (values: [Float], SlotGradient) {
        var values = [Float](repeating: .nan, count: table.count)
        let result = try values.withUnsafeMutableBufferPointer {
            try gradient(ofSlot: step * 5 + slot, lossScale: lossScale, into: $0)
        }
        return (values, result)
    }
}

extension TrainingMaster {
    /// The master weights as they are now.
    var numbers: [Float] { withWeights { Array($0) } }

    /// One step in which every slot had `samples` samples of loss 1.
    func apply(
        _ sum: [Float], slots: [Int] = [2, 2, 2, 2, 2], leftOut: [LeftOutSlot] = [], workers: Int = 1
    ) throws -> StepOutcome {
        var sum = sum
        let reports = slots.map { SlotReport(samples: $0, loss: Double($0), squaredGradientNorm: 1) }
        return try sum.withUnsafeMutableBufferPointer {
            try apply($0, slots: reports, leftOut: leftOut, workers: workers)
        }
    }

    /// Applies steps with gradients that are a function of the step's number.
    func advance(to last: Int) throws {
        while step < last {
            var random = CounterRandom(seed: UInt64(step), purpose: .noise)
            guard case .committed = try apply(random.normals(table.count)) else { return }
        }
    }
}
