package import Recipe

/// What one step came to.
package struct StepResult: Equatable, Sendable {
    /// The step's number, from 0.
    package var step: Int
    package var samples: Int
    /// The place in the run of the step's first slot; see ``TrainingPlan/slot(ofRun:)``.
    package var firstSlot = 0
    /// From 0.
    package var epoch = 0
    /// The run's steps; where the batch grows with the world, as many as there will be if it stays as it is.
    package var totalSteps = 0
    /// Samples in a full step of this world.
    package var effectiveBatch = 0
    /// The batch over which ``rates`` are scaled: the effective one, but for a ramp after a change of the world.
    package var scaledBatch = 0.0
    /// The mean over samples of the weighted loss.
    package var loss: Double
    package var rates: [ParameterGroup: Double]
    /// Of the mean gradient, before clipping.
    package var gradientNorm: Double
    /// See ``NoiseScale/value``.
    package var noiseScale: Double?
    /// The mean loss of each slot, in order: kohya's micro-steps.
    package var slotLosses: [Double]
}

/// What a step's sum of gradients led to.
package enum StepOutcome: Equatable, Sendable {
    case committed(StepResult)
    /// Only the loss scale changed; the same step is to be computed again.
    case repeated(reason: String)
    /// Weights and moments are those of the last good state; the run cannot go on.
    case stopped(advice: String)
}

/// One slot's part in a step, as a worker reported it.
package struct SlotReport: Equatable, Sendable {
    package var samples: Int
    /// The sum over samples of the weighted loss.
    package var loss: Double
    /// `|g|²` of the slot's mean gradient.
    package var squaredGradientNorm: Double

    package init(samples: Int, loss: Double, squaredGradientNorm: Double) {
        self.samples = samples
        self.loss = loss
        self.squaredGradientNorm = squaredGradientNorm
    }
}

/// A slot that was not finite wherever it was computed.
package struct LeftOutSlot: Equatable, Sendable {
    package var samples: [String]
    /// Where the number that is not finite turned up.
    package var group: String

    package init(samples: [String], group: String) {
        self.samples = samples
        self.group = group
    }
}
