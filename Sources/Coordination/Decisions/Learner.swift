package import Wire

/// Whatever learns on a worker; the cluster neither knows nor cares how.
///
/// Used from one thread.
package protocol Learner: AnyObject {
    /// Floats in a gradient: the flat sum over all trained tensors.
    var parameterCount: Int { get }
    /// A hash of names and shapes in the flat buffer, compared when joining.
    var shapeTableHash: String { get }

    /// Takes the weights that the coordinator broadcast for `step`.
    ///
    /// - Parameter weights: ``parameterCount`` floats, good during the call only.
    func use(weights: UnsafeBufferPointer<Float>, step: Int) throws

    /// Computes Σ over the slot's samples of w·∇loss, times `lossScale`.
    ///
    /// - Parameters:
    ///   - slot: its number in the step, plus the master's ``Master/firstSlot(of:)``.
    ///   - gradient: ``parameterCount`` floats, all of which are overwritten.
    /// - Returns: what the slot said; ``SlotOutcome/notFinite`` tells the cluster to leave `gradient` unread.
    /// - Throws: when this worker cannot go on at all; it then leaves the run.
    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>
    ) throws -> SlotOutcome

    /// Hears which slots it will most likely be asked for, the next first, so that it may prepare on another thread what
    /// they need; whatever that is must not depend on who prepares it.
    ///
    /// - Parameter slots: numbers as in ``gradient(of:step:lossScale:into:)``, of this step and after that of the next.
    func expect(_ slots: [Int])

    /// The checksum of the weights as they lie in the learner's own memory now.
    ///
    /// - Returns: nil where they cannot be read back.
    func checksumOfWeights() throws -> UInt64?
}

extension Learner {
    package func expect(_ slots: [Int]) {}
    package func checksumOfWeights() throws -> UInt64? { nil }
}
