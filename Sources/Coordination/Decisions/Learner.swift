package import Foundation
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
    ///   - finished: to be told, from this thread, which floats of `gradient` are as they will stay, in any order, so that
    ///     they are sent while the others are computed; it need not be told of any.
    /// - Returns: what the slot said; ``SlotOutcome/notFinite`` tells the cluster to leave `gradient` unread.
    /// - Throws: when this worker cannot go on at all; it then leaves the run.
    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>,
        finished: (Range<Int>) -> Void
    ) throws -> SlotOutcome

    /// Hears which slots it will most likely be asked for, the next first, so that it may prepare on another thread what
    /// they need; whatever that is must not depend on who prepares it.
    ///
    /// - Parameter slots: numbers as in ``gradient(of:step:lossScale:into:finished:)``, of this step and after that of the next.
    func expect(_ slots: [Int])

    /// Begins a picture of what `weights` have learned; what is learned meanwhile must not change by it.
    ///
    /// - Parameters:
    ///   - request: as ``Master/picturesDue()`` wrote it.
    ///   - weights: ``parameterCount`` of them.
    /// - Throws: what is wrong with the request; the worker goes on.
    func picture(_ request: Data, weights: [Float]) throws -> any Painting

    /// Begins to measure the validation losses of `weights`; what is learned meanwhile must not change by it.
    ///
    /// - Parameters: as for ``picture(_:weights:)``; the request is as ``Master/validationDue()`` wrote it.
    func validation(_ request: Data, weights: [Float]) throws -> any Painting

    /// The checksum of the weights as they lie in the learner's own memory now.
    ///
    /// - Returns: nil where they cannot be read back.
    func checksumOfWeights() throws -> UInt64?
}

/// A picture that is being made, or losses that are being measured, a piece of work at a time.
///
/// Used from its learner's thread.
package protocol Painting: AnyObject {
    /// Does as much as takes about as long as a slot.
    ///
    /// - Returns: the file, when it is done.
    func advance() throws -> [UInt8]?
}

/// A learner that makes no pictures was asked for one.
package struct MakesNoPictures: Error, CustomStringConvertible {
    package let description = "this learner makes no pictures"
}

/// A learner that validates nothing was asked to.
package struct ValidatesNothing: Error, CustomStringConvertible {
    package let description = "this learner measures no validation loss"
}

extension Learner {
    package func validation(_ request: Data, weights: [Float]) throws -> any Painting { throw ValidatesNothing() }
    package func picture(_ request: Data, weights: [Float]) throws -> any Painting { throw MakesNoPictures() }
    package func expect(_ slots: [Int]) {}
    package func checksumOfWeights() throws -> UInt64? { nil }
}
