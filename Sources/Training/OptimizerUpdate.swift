package import Recipe
package import Torch

private enum Aten {
    static let adamW = Operator("_fused_adamw_")
    static let sgd = Operator("_fused_sgd_")
    static let norm = Operator("linalg_vector_norm")
}

/// A stretch of the flat buffers whose floats share a learning rate.
package struct ParameterRange: Equatable, Sendable {
    package let group: ParameterGroup
    package let range: Range<Int>

    package init(group: ParameterGroup, range: Range<Int>) {
        self.group = group
        self.range = range
    }
}

/// One optimizer over flat fp32 buffers: `torch.optim.AdamW` or `torch.optim.SGD`, by libtorch's fused kernels.
///
/// The same numbers whatever the threads only if the thread count is fixed: vectorised kernels treat a chunk's tail
/// otherwise than its body.
package struct OptimizerUpdate {
    private let optimizer: Optimizer
    private let scaling: BatchScaling
    private let ranges: [ParameterRange]

    /// - Parameter ranges: cover the buffers without overlap.
    package init(_ optimizer: Optimizer, scaling: BatchScaling, ranges: [ParameterRange]) {
        self.optimizer = optimizer
        self.scaling = scaling
        self.ranges = ranges
    }

    /// Numbers that libtorch's kernels take at a time, counted from where a range begins: cut between two such units, a range
    /// gives the bits that it gives whole.
    private static let unit = 16

    /// The stretches of whole units that `range` has a part in.
    func stretches(with range: Range<Int>) -> [ParameterRange] {
        ranges.compactMap { whole in
            let part = range.clamped(to: whole.range)
            guard !part.isEmpty else { return nil }
            let start = whole.range.lowerBound
            let first = (part.lowerBound - start) / Self.unit, end = (part.upperBound - start - 1) / Self.unit + 1
            return ParameterRange(
                group: whole.group,
                range: start + first * Self.unit..<min(whole.range.upperBound, start + end * Self.unit))
        }
    }

    /// What of a stretch of whole units is so, unit by unit: only its first and its last may not be.
    static func trimmed(_ stretch: Range<Int>, where isKnown: (Range<Int>) -> Bool) -> Range<Int> {
        var stretch = stretch
        let first = stretch.prefix(unit)
        if !isKnown(first.startIndex..<first.endIndex) { stretch = first.endIndex..<stretch.upperBound }
        guard !stretch.isEmpty else { return stretch }
        let last = stretch.lowerBound + (stretch.count - 1) / unit * unit
        return isKnown(last..<stretch.upperBound) ? stretch : stretch.lowerBound..<last
    }

    /// The same for buffers that hold so many numbers of one group.
    func alone(_ group: ParameterGroup, count: Int) -> OptimizerUpdate {
        OptimizerUpdate(optimizer, scaling: scaling, ranges: [ParameterRange(group: group, range: 0..<count)])
    }

    /// Moves `weights` along `gradient`.
    ///
    /// - Parameters:
    ///   - weights: changed in place.
    ///   - gradient: the mean over samples, clipped.
    ///   - moments: two buffers of the same size; SGD uses the first for its momentum.
    ///   - update: the number of this update, from 1.
    ///   - rates: the learning rate of each group. A group at 0 is moved by nothing, not even weight decay.
    ///   - scaling: for this update alone.
    package func apply(
        to weights: Tensor, gradient: Tensor, moments: (Tensor, Tensor), update: Int, rates: [ParameterGroup: Double],
        scaling: BatchScaling? = nil
    ) throws {
        let scaling = scaling ?? self.scaling
        for group in ParameterGroup.allCases {
            let own = ranges.filter { $0.group == group && !$0.range.isEmpty }.map(\.range)
            guard let rate = rates[group], !own.isEmpty else { continue }
            func parts(_ tensor: Tensor) throws(TorchError) -> [Tensor] {
                var parts: [Tensor] = []
                for range in own {
                    parts.append(try tensor.narrowed(0, from: range.lowerBound, length: range.count))
                }
                return parts
            }
            switch optimizer.kind {
            case .adamW:
                let number = try own.map { _ in try Tensor.full([], Double(update)) }
                try Aten.adamW.run(
                    .tensors(parts(weights)), .tensors(parts(gradient)), .tensors(parts(moments.0)),
                    .tensors(parts(moments.1)), .tensors([]), .tensors(number), .double(rate), .double(scaling.beta1),
                    .double(scaling.beta2), .double(optimizer.weightDecay), .double(scaling.epsilon), .bool(false),
                    .bool(false))
            case .sgd:
                let momentum = optimizer.momentum > 0 ? try parts(moments.0) : []
                try Aten.sgd.run(
                    .tensors(parts(weights)), .tensors(parts(gradient)), .tensors(momentum),
                    .double(optimizer.weightDecay), .double(optimizer.momentum), .double(rate), .double(0),
                    .bool(optimizer.nesterov), .bool(false), .bool(update == 1))
            }
        }
    }
}

/// Scales `gradient` down to the global L2 norm `limit` (`torch.nn.utils.clip_grad_norm_`); 0 never clips.
///
/// - Returns: the norm before clipping.
package func clip(_ gradient: Tensor, to limit: Double) throws(TorchError) -> Double {
    let norm = try Aten.norm(.tensor(gradient)).item()
    if limit > 0 {
        let factor = limit / (norm + 1e-6)
        if factor < 1 { try gradient.multiply(by: factor) }
    }
    return norm
}
