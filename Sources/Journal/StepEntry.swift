package import Recipe

/// What one step came to, with everything that is written down of it in one transaction.
package struct StepEntry: Equatable, Sendable {
    /// The step's number, from 0.
    package var step: Int
    /// From 0.
    package var epoch: Int
    /// The mean over samples of the weighted loss.
    package var loss: Double
    /// kohya's `avr_loss`.
    package var averageLoss: Double
    package var rates: [ParameterGroup: Double]
    /// Of the mean gradient, before clipping.
    package var gradientNorm: Double
    /// In samples.
    package var noiseScale: Double?
    /// Samples in the sum.
    package var samples: Int
    /// Samples in a full step of the workers that were in; nil where nobody said.
    package var effectiveBatch: Int?
    /// The loss of the samples whose timesteps fell into each band; bands that had none are missing.
    package var bands: [TimestepBand: BandLoss] = [:]
    /// From the first lease to the last sum.
    package var seconds: Double
    /// What else the step's time went to, in seconds by name (`optimizer`, `broadcast`).
    package var split: [String: Double] = [:]
    /// The checksum of the weights that the step led to, as workers confirm it.
    package var weights: UInt64
    /// Every slot of the step, in order, those that were left out included.
    package var slots: [SlotEntry]
    /// Each worker's part.
    package var shares: [ShareEntry]

    package init(
        step: Int, epoch: Int, loss: Double, averageLoss: Double, rates: [ParameterGroup: Double],
        gradientNorm: Double, noiseScale: Double?, samples: Int, seconds: Double, weights: UInt64,
        slots: [SlotEntry], shares: [ShareEntry]
    ) {
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.averageLoss = averageLoss
        self.rates = rates
        self.gradientNorm = gradientNorm
        self.noiseScale = noiseScale
        self.samples = samples
        self.seconds = seconds
        self.weights = weights
        self.slots = slots
        self.shares = shares
    }
}

/// The loss of some samples.
package struct BandLoss: Equatable, Sendable {
    package var samples: Int
    /// Over them, of the weighted loss.
    package var mean: Double

    package init(samples: Int, mean: Double) {
        self.samples = samples
        self.mean = mean
    }
}

/// One line of the ledger: what became of one slot of an epoch.
package struct SlotEntry: Equatable, Sendable {
    /// The slot's place in its epoch, from 0.
    package var slot: Int
    /// Whose sum was taken; nil when the slot was left out.
    package var worker: String?
    /// The mean over its samples of the weighted loss.
    package var loss: Double
    /// Names of its samples, as whoever computed them said.
    package var samples: [String]
    /// Where a number was not finite; nil when the slot is in the step's sum.
    package var notFinite: String?

    package init(slot: Int, worker: String?, loss: Double, samples: [String], notFinite: String? = nil) {
        self.slot = slot
        self.worker = worker
        self.loss = loss
        self.samples = samples
        self.notFinite = notFinite
    }
}

/// One worker's part in a step.
package struct ShareEntry: Equatable, Sendable {
    package var worker: String
    package var slots: Int
    package var samples: Int
    /// Time spent on computing them.
    package var seconds: Double
    /// What else its time went to, in seconds by name (`send`, `wait`).
    package var split: [String: Double]

    package init(worker: String, slots: Int, samples: Int, seconds: Double, split: [String: Double] = [:]) {
        self.worker = worker
        self.slots = slots
        self.samples = samples
        self.seconds = seconds
        self.split = split
    }
}
