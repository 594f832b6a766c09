/// The validation losses of some weights, measured between the slots of a learner, one picture at a time.
///
/// The weights are in the adapters only meanwhile, and the learner's own come back bit for bit.
package final class ValidationInProgress {
    private let learner: DiffusionLearner
    private let weights: [Float]
    private let pictures: Int
    private var losses: [Float] = []
    private var next = 0

    init(_ learner: DiffusionLearner, weights: [Float], pictures: Int) {
        self.learner = learner
        self.weights = weights
        self.pictures = pictures
    }

    /// Goes on by one picture.
    ///
    /// - Returns: after the last one, the loss of every picture at every timestep, picture by picture.
    package func advance() throws -> [Float]? {
        losses += try learner.adapters.lend(to: weights) { try learner.validationLosses(ofHeldOut: next) }
        next += 1
        return next < pictures ? nil : losses
    }
}
