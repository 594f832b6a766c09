import Adapters
import Dataset
import Foundation
import Images
import Recipe
import Safetensors
import Testing
import Torch

@testable import Training

@Suite struct `A validation loss` {
    private let forge: Forge

    init() throws {
        forge = try Forge()
        forge.recipe.data.subsetDefaults.validationSplit = 0.34
        forge.recipe.data.subsetDefaults.shuffleCaption = true
    }

    /// All losses of some weights.
    private func losses(_ learner: DiffusionLearner, scale: Float = 1) throws -> [Float] {
        let weights = Forge.weights(count: learner.table.count).map { $0 * scale }
        let validation = try learner.validation(weights: weights)
        while true {
            if let losses = try validation.advance() { return losses }
        }
    }

    /// Where nothing but the held-out picture is trained on, with the seed of the validation's noise, at one timestep
    /// alone: its four repeats are the four samples of the validation.
    @Test(arguments: ["plain", "weighted"])
    func `is what training says of the same latents, noise and timesteps`(kind: String) throws {
        if kind == "weighted" {
            forge.recipe.objective.minSNRGamma = 5
            forge.recipe.objective.noiseOffset = 0.1
        }
        let picture = try #require(try forge.manifest().heldOut.first)
        let found = try losses(forge.learner())
        #expect(found.count == 8 && Set(found).count == 8)

        let other = try Forge()
        other.recipe.objective = forge.recipe.objective
        let data = other.folder.appending(path: "data")
        try FileManager.default.removeItem(at: data)
        let folder = data.appending(path: "4_a horse")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for ending in ["png", "txt"] {
            let source = URL(filePath: picture.path).deletingPathExtension().appendingPathExtension(ending)
            try FileManager.default.copyItem(at: source, to: folder.appending(path: "a.\(ending)"))
        }
        other.recipe.data.subsetDefaults.flipAugmentation = false
        other.recipe.batch.trainBatchSize = 4
        other.recipe.run.seed = Validation.noiseSeed(forge.recipe.run.seed)
        for (repetition, timestep) in forge.recipe.objective.validationTimesteps.enumerated() {
            other.recipe.objective.minTimestep = timestep
            other.recipe.objective.maxTimestep = timestep + 1
            let learner = try other.learner()
            let samples = try other.plan().slot(ofRun: 0).samples
            let place = try #require(samples.firstIndex { $0.repetition == repetition })
            let trained = try learner.gradient(of: 0).1.sampleLosses[place]
            #expect(abs(Double(found[repetition]) / trained - 1) < 1e-5, "timestep \(timestep)")
        }
    }

    /// Two pictures in a folder of their own; what diffusers says of each depends on the place that the seed gives it.
    @Test(arguments: ["tiny-sd1", "tiny-sd2"], ["plain", "weighted"])
    func `agrees with diffusers, from the picture's file and its caption on`(model: String, name: String) throws {
        let file = try Fixtures.open("training/\(model).validation.safetensors")
        let settings = try Fixtures.open("training/\(model).\(name).safetensors").metadata
        func number(_ key: String) throws -> Double { try #require(settings[key].flatMap(Double.init)) }
        forge.recipe.model.path = Fixtures.folder.appending(path: model).path
        forge.recipe.model.clipSkip = Int(try number("clip_skip"))
        forge.recipe.model.maxTokenLength = Int(try number("max_token_length"))
        forge.recipe.objective.noiseOffset = try number("noise_offset")
        forge.recipe.objective.minSNRGamma = try number("min_snr_gamma") == 0 ? nil : number("min_snr_gamma")
        forge.recipe.objective.zeroTerminalSNR = settings["zero_terminal_snr"] == "True"
        forge.recipe.run.seed = try #require(file.metadata["seed"].flatMap(UInt64.init))
        (forge.recipe.network.rank, forge.recipe.network.alpha) = (3, 2)

        let shape = try file.entry("pixels").shape
        let size = PixelSize(width: shape[2], height: shape[1])
        let bytes = [UInt8](try file.bytes(of: "pixels"))
        let folder = forge.folder.appending(path: "data/1_held out")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for picture in 0..<shape[0] {
            var image = PixelImage(size: size, red: 0, green: 0, blue: 0)
            image.samples = Array(bytes[picture * image.samples.count..<(picture + 1) * image.samples.count])
            try image.writePNG(to: folder.appending(path: "\(picture).png").path)
            let caption = try #require(file.metadata["caption.\(picture)"])
            try Data(caption.utf8).write(to: folder.appending(path: "\(picture).txt"))
        }
        (forge.recipe.data.datasetDefaults.width, forge.recipe.data.datasetDefaults.height) = (size.width, size.height)
        forge.recipe.data.datasetDefaults.enableBucket = false
        forge.recipe.data.subsetDefaults.validationSplit = 0
        forge.recipe.data = try forge.recipe.data.withFoldersListed().data
        let subsets = forge.recipe.data.datasets[0].subsets
        let held = try #require(subsets.firstIndex { $0.imageDirectory.hasSuffix("held out") })
        forge.recipe.data.datasets[0].subsets[held].validationSplit = 1

        let adapter = try LoRAFile(path: Fixtures.folder.appending(path: "training/\(model).adapter.safetensors").path)
        let learner = try forge.learner()
        let table = learner.table
        let validation = try learner.validation(
            weights: table.weights(continuing: adapter, initial: [Float](repeating: 0, count: table.count)))
        #expect(try validation.advance() == nil)
        let found = try #require(try validation.advance())
        let pictures = try forge.manifest().heldOut.map { $0.name.contains("1.png") ? 1 : 0 }
        let theirs = try file.floats("losses.\(name)")
        for (place, picture) in pictures.enumerated() {
            let range = (picture * 2 + place) * 4..<(picture * 2 + place + 1) * 4
            for (ours, theirs) in zip(found[place * 4..<place * 4 + 4], theirs[range]) {
                #expect(abs(ours - theirs) <= 1e-4 * theirs, "picture \(picture): \(ours), \(theirs)")
            }
        }
        #expect(pictures.sorted() == [0, 1])
    }

    @Test func `is the same bits whoever measures it, and leaves what is learned as it is`() throws {
        let (first, second) = try (forge.learner(), forge.learner())
        let own = try first.weights()
        let undisturbed = try second.gradient(of: 1).values
        let found = try losses(first)
        #expect(try first.weights() == own)
        #expect(try first.gradient(of: 1).values == undisturbed)
        try second.use(weights: own.map { $0 * 3 })
        #expect(try losses(second) == found && losses(first) == found)
        #expect(try losses(first, scale: 2) != found)
    }

    @Test func `compares runs of other seeds that share the validation seed`() throws {
        forge.recipe.data.subsetDefaults.validationSeed = 5
        let found = try losses(forge.learner())
        forge.recipe.run.seed = 99
        let other = try Forge()
        other.recipe = forge.recipe
        #expect(try losses(other.learner()) == found)
        other.recipe.data.datasets[0].subsets[0].validationSeed = 6
        #expect(try losses(other.learner()) != found)
    }

    @Test func `is of no more pictures than max_validation_steps allows`() throws {
        let all = try losses(forge.learner())
        forge.recipe.batch.trainBatchSize = 1
        forge.recipe.validation.maxSteps = 1
        #expect(try losses(forge.learner()) == Array(all.prefix(4)))
    }

    @Test func `of nothing is refused`() throws {
        forge.recipe.data.subsetDefaults.validationSplit = 0
        let learner = try forge.learner()
        #expect(throws: ValidationError.self) { try learner.validation(weights: learner.weights()) }
        #expect(throws: (any Error).self) { try learner.validation(weights: [1]) }
    }
}
