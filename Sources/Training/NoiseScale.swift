/// The gradient noise scale B = S / |G|²: the batch beyond which more samples buy few steps.
///
/// McCandlish et al., "An Empirical Model of Large-Batch Training", 2018, <https://arxiv.org/abs/1812.06162>, appendix A,
/// with slots of unequal sizes. S and |G|² are averaged apart, with bias correction; never their ratio.
package struct NoiseScale: Codable, Equatable, Sendable {
    /// How slowly the averages forget.
    package static let decay = 0.99

    private var variance = 0.0
    private var squaredGradient = 0.0
    private var weight = 0.0

    package init() {}

    /// Takes in one step.
    ///
    /// - Parameters:
    ///   - slots: samples of each slot and `|g|²` of its mean gradient.
    ///   - mean: `|ḡ|²` of the step's mean gradient over all its samples, before clipping.
    package mutating func add(slots: [(samples: Int, squaredNorm: Double)], mean: Double) {
        let batch = Double(slots.reduce(0) { $0 + $1.samples })
        guard slots.count > 1, batch > 0, slots.allSatisfy({ $0.samples > 0 }) else { return }
        let count = Double(slots.count)
        let meanSquare = slots.reduce(0) { $0 + $1.squaredNorm } / count
        let meanInverse = slots.reduce(0) { $0 + 1 / Double($1.samples) } / count
        let variance = (meanSquare - mean) / (meanInverse - 1 / batch)
        let squared = mean - variance / batch
        guard variance.isFinite, squared.isFinite else { return }
        self.variance = Self.decay * self.variance + (1 - Self.decay) * variance
        squaredGradient = Self.decay * squaredGradient + (1 - Self.decay) * squared
        weight = Self.decay * weight + (1 - Self.decay)
    }

    /// In samples; nil until a step of two slots was seen, or while the signal drowns in the noise.
    package var value: Double? {
        guard weight > 0, squaredGradient > 0, variance > 0 else { return nil }
        return variance / squaredGradient
    }
}
