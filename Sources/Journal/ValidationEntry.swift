/// The loss on pictures that are held out, of the weights that a step led to.
package struct ValidationEntry: Equatable, Sendable {
    /// The step's number, from 0.
    package var step: Int
    /// The mean over the samples of the weighted loss.
    package var loss: Double
    /// Pictures times timesteps.
    package var samples: Int
    /// Whether it was due by the count of steps, and whether by that of epochs.
    package var isOfStep: Bool
    package var isOfEpoch: Bool

    package init(step: Int, loss: Double, samples: Int, isOfStep: Bool, isOfEpoch: Bool) {
        self.step = step
        self.loss = loss
        self.samples = samples
        self.isOfStep = isOfStep
        self.isOfEpoch = isOfEpoch
    }
}
