package import Recipe

/// What is known of a step when it has been taken.
package struct StepReport: Codable, Equatable, Sendable {
    /// Steps taken so far, this one included.
    package var step: Int
    package var totalSteps: Int
    /// From 1.
    package var epoch: Int
    package var epochs: Int
    /// The mean over the step's samples.
    package var loss: Double
    /// kohya's `avr_loss`; see ``LossRecorder``.
    package var averageLoss: Double
    /// By ``ParameterGroup``'s raw value.
    package var learningRates: [String: Double]
    /// The global L2 norm of the step's mean gradient before it was clipped.
    package var gradientNorm: Double?
    /// The gradient noise scale, in samples.
    ///
    /// McCandlish and others, 2018, <https://arxiv.org/abs/1812.06162>.
    package var noiseScale: Double?
    /// Samples that the step was made of.
    package var samples: Int
    /// Samples in a full step of the workers that were in; nil where nobody said.
    package var effectiveBatch: Int?
    /// The batch over which the learning rates are scaled, while the batch grows with the world: it follows the effective
    /// batch over some steps; nil where the batch is fixed.
    package var scaledBatch: Double?
    /// Since the step before was taken.
    package var seconds: Double
    /// Workers that were in at this step.
    package var workers: Int
    /// Where its time went; nil where nobody measured it.
    package var times: StepTimeSplit?

    package init(
        step: Int, totalSteps: Int, epoch: Int, epochs: Int, loss: Double, averageLoss: Double,
        learningRates: [ParameterGroup: Double], gradientNorm: Double? = nil, noiseScale: Double? = nil, samples: Int,
        effectiveBatch: Int? = nil, scaledBatch: Double? = nil, seconds: Double, workers: Int = 1
    ) {
        self.step = step
        self.totalSteps = totalSteps
        self.epoch = epoch
        self.epochs = epochs
        self.loss = loss
        self.averageLoss = averageLoss
        self.learningRates = Dictionary(
            uniqueKeysWithValues: learningRates.map { ($0.key.rawValue, $0.value) })
        self.gradientNorm = gradientNorm
        self.noiseScale = noiseScale
        self.samples = samples
        self.effectiveBatch = effectiveBatch
        self.scaledBatch = scaledBatch
        self.seconds = seconds
        self.workers = workers
    }
}
