import Recipe
import Torch

/// The weights that a step will lead to if all of its samples are in and its gradient is not clipped, worked out part by part as
/// the parts of its sum come in.
///
/// Weights and moments stay as they are. Used from one thread, before the step is applied.
package final class ForeseenStep {
    private let weights: Tensor
    private let moments: (Tensor, Tensor)
    private let update: OptimizerUpdate
    private let number: Int
    private let rates: [ParameterGroup: Double]
    private let factor: Double
    private var known = RangeSet<Int>()
    private var done = RangeSet<Int>()

    /// - Parameters:
    ///   - number: of the update, from 1.
    ///   - factor: what the sum is multiplied by to be the mean gradient.
    init(
        weights: Tensor, moments: (Tensor, Tensor), update: OptimizerUpdate, number: Int,
        rates: [ParameterGroup: Double], factor: Double
    ) {
        self.weights = weights
        self.moments = moments
        self.update = update
        self.number = number
        self.rates = rates
        self.factor = factor
    }

    /// Takes a part of the sum.
    ///
    /// - Parameters:
    ///   - range: what has come of `sum`, besides what was named before.
    ///   - target: as many weights.
    /// - Returns: which of `target` it has written, each once.
    package func take(
        _ range: Range<Int>, of sum: UnsafeBufferPointer<Float>, into target: UnsafeMutableBufferPointer<Float>
    ) throws -> [Range<Int>] {
        known.insert(contentsOf: range)
        var written: [Range<Int>] = []
        for stretch in update.stretches(with: range) {
            let whole = OptimizerUpdate.trimmed(stretch.range) { RangeSet($0).isSubset(of: known) }
            for piece in RangeSet(whole).subtracting(done).ranges {
                try work(out: piece, of: stretch.group, sum, into: target)
                written.append(piece)
            }
            done.insert(contentsOf: whole)
        }
        return written
    }

    private func work(
        out piece: Range<Int>, of group: ParameterGroup, _ sum: UnsafeBufferPointer<Float>,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws {
        func copy(_ tensor: Tensor) throws(TorchError) -> Tensor {
            let copy = try Tensor.empty([piece.count])
            try copy.assign(tensor.narrowed(0, from: piece.lowerBound, length: piece.count))
            return copy
        }
        let gradient = try Tensor.empty([piece.count])
        try gradient.withMutableFloats { _ = $0.update(fromContentsOf: sum[piece]) }
        try gradient.multiply(by: factor)
        let moved = try copy(weights)
        try update.alone(group, count: piece.count).apply(
            to: moved, gradient: gradient, moments: (copy(moments.0), copy(moments.1)), update: number, rates: rates)
        moved.withContiguousFloats {
            _ = UnsafeMutableBufferPointer(rebasing: target[piece]).update(fromContentsOf: $0)
        }
    }
}
