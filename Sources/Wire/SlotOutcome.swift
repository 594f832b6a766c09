/// What computing one slot said besides its gradient.
package struct SlotOutcome: Codable, Equatable, Sendable {
    package var slot: Int
    /// Samples in the slot; the step's sum is divided by those of all its slots.
    package var samples: Int
    /// The sum over the slot's samples of the weighted loss.
    package var loss: Double
    /// `|g|²` of the slot's mean gradient, without the loss scale; the gradient noise scale is made of these.
    package var squaredGradientNorm: Double
    /// Names of the samples, so that one that is left out can be named.
    package var sampleNames: [String]
    /// The weighted loss of each sample, in the slot's order; nil from a worker that does not tell.
    package var sampleLosses: [Double]?
    /// The parameter group (or "loss") where a number that is not finite turned up; nil when all are.
    package var notFinite: String?

    package init(
        slot: Int, samples: Int, loss: Double, squaredGradientNorm: Double, sampleNames: [String],
        sampleLosses: [Double]? = nil, notFinite: String? = nil
    ) {
        self.slot = slot
        self.samples = samples
        self.loss = loss
        self.squaredGradientNorm = squaredGradientNorm
        self.sampleNames = sampleNames
        self.sampleLosses = sampleLosses
        self.notFinite = notFinite
    }

    /// Whether every number in it is one.
    package var isFinite: Bool {
        notFinite == nil && loss.isFinite && squaredGradientNorm.isFinite && squaredGradientNorm >= 0
    }
}
