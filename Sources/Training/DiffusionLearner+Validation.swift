import Dataset
import Recipe
import StableDiffusion
import Torch

extension DiffusionLearner {
    /// The weighted loss of a picture that is held out, at each of the validation timesteps, with its caption as it stands
    /// and nothing cropped or mirrored by chance.
    ///
    /// What is drawn depends on the validation seed and the picture's place alone, so that every step, every worker and
    /// every run with the same seed and pictures asks the same. No gradients are taken.
    ///
    /// - Parameter index: the picture's place in the manifest's `heldOut`.
    func validationLosses(ofHeldOut index: Int) throws -> [Float] {
        let picture = manifest.heldOut[index]
        let timesteps = recipe.objective.validationTimesteps
        let seed = recipe.data.datasets[picture.dataset].subsets[picture.subset].validationSeed ?? recipe.run.seed
        let slot = Slot(
            epoch: 0, bucket: 0, samples: timesteps.indices.map { SampleAddress(picture: index, repetition: $0) })
        let draws = NoiseDraws(
            recipe.objective, seed: Validation.noiseSeed(seed), slot: slot, timesteps: timesteps)
        return try withoutGradients {
            let view = (picture, SampleView(of: picture))
            let clean = try cleanLatents(of: timesteps.map { _ in view }, draws)
            let caption = manifest.wholeCaption(of: picture, recipe.data)
            let context = try conditioning.context(of: [caption], checkpoints: nil)
            let repeated = try Tensor.concatenate(timesteps.map { _ in context }, along: 0)
            return try loss.losses(of: clean, draws: draws, weights: timesteps.map { _ in 1 }) { noisy, timesteps in
                try model.unet(noisy, timesteps: timesteps, context: repeated, checkpoints: nil)
            }.floats()
        }
    }

    /// Begins to measure the validation losses of `weights`.
    ///
    /// - Throws: `AdapterError` when there are not `table.count` weights, ``ValidationError`` where nothing is held out.
    package func validation(weights: [Float]) throws -> ValidationInProgress {
        try requireWhole(weights)
        guard !manifest.heldOut.isEmpty else { throw ValidationError.nothingHeldOut }
        return ValidationInProgress(
            self, weights: weights, pictures: recipe.validationPictures(of: manifest.heldOut.count))
    }
}

/// What a worker was asked that it cannot do.
package enum ValidationError: Error, CustomStringConvertible {
    case nothingHeldOut

    package var description: String {
        "the validation loss was asked for, but no picture is held out: coordinator and worker have other recipes"
    }
}
