import Adapters
import Dataset
import Foundation
import Recipe
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
