/// When the loss on pictures that are never trained on is measured; it changes nothing of the result.
package struct Validation: Codable, Equatable, Sendable {
    /// `validate_every_n_steps`.
    package var everyNSteps: Int?
    /// `validate_every_n_epochs`; nil is every epoch, as in kohya's scripts.
    package var everyNEpochs: Int?
    /// `max_validation_steps`: batches of `train_batch_size` pictures; nil is all that are held out.
    package var maxSteps: Int?

    /// Timesteps at which each picture is looked at.
    package static let timestepsOfPicture = 4
    /// Keys that are in vain where nothing is held out.
    static let keys = [
        "validation_seed", "validate_every_n_steps", "validate_every_n_epochs", "max_validation_steps",
    ]

    package init() {}

    /// The seed of the noise: none that a run trains with has its numbers.
    package static func noiseSeed(_ seed: UInt64) -> UInt64 {
        // 0 and 1 say which pictures are held out, and in which order they are looked at.
        var random = CounterRandom(seed: seed, purpose: .validation, picture: 2)
        return random.uint64()
    }

    /// Why the loss is measured now.
    package struct Marks: Codable, Equatable, Sendable {
        /// `validate_every_n_steps` has come round.
        package var step: Bool
        /// `validate_every_n_epochs` has come round, or the run has ended.
        package var epoch: Bool

        package init(step: Bool, epoch: Bool) {
            self.step = step
            self.epoch = epoch
        }

        package var isDue: Bool { step || epoch }
    }

    /// Whether it is due between two steps; a step that passes several marks is measured once.
    ///
    /// - Parameters:
    ///   - before: how many steps of the plan were done before the last one, and whole epochs.
    ///   - now: how many are done now.
    ///   - isLast: whether no step comes after it.
    package func marks(
        before: (steps: Int, epochs: Int), now: (steps: Int, epochs: Int), isLast: Bool
    ) -> Marks {
        let epochs = everyNEpochs ?? 1
        return Marks(
            step: everyNSteps.map { before.steps / $0 < now.steps / $0 } ?? false,
            epoch: isLast || before.epochs / epochs < now.epochs / epochs)
    }
}

extension Recipe {
    /// How many of the pictures that are held out are looked at each time.
    package func validationPictures(of heldOut: Int) -> Int {
        guard let steps = validation.maxSteps else { return heldOut }
        let (pictures, overflow) = steps.multipliedReportingOverflow(by: batch.trainBatchSize)
        return overflow ? heldOut : min(heldOut, pictures)
    }
}

extension Objective {
    /// The timesteps of the validation loss, evenly spread within those that are trained: 200, 400, 600 and 800 of 1000.
    package var validationTimesteps: [Int] {
        let parts = Validation.timestepsOfPicture + 1
        return (1..<parts).map { minTimestep + (maxTimestep - minTimestep) * $0 / parts }
    }
}

extension TrainingData {
    /// Whether any folder is to lend pictures to validation.
    package var holdsOut: Bool {
        datasets.isEmpty
            ? subsetDefaults.validationSplit > 0
            : datasets.contains { $0.subsets.contains { $0.validationSplit > 0 && !$0.isRegularization } }
    }
}
