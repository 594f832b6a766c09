import Foundation

extension Schedule {
    /// The rate that a polynomial decay ends in.
    package static let polynomialEnd = 1e-7

    /// Steps of warm-up in a run of `totalSteps`.
    package func warmupSteps(totalSteps: Int) -> Int {
        switch warmup {
        case .steps(let steps): steps
        case .ratio(let ratio): Int(ratio * Double(totalSteps))
        }
    }

    /// What the learning rate is multiplied by at `step`: a pure function, so a resumed run cannot lose its place.
    ///
    /// Exactly `diffusers.optimization.get_scheduler`, whose first warm-up step has rate 0. Steps at and past the end of
    /// the run have the last step's multiplier, where diffusers would say 0.
    ///
    /// - Parameters:
    ///   - step: from 0; it need not be whole.
    ///   - totalSteps: of the whole run.
    ///   - learningRate: `learning_rate`, on which a polynomial decay depends.
    package func multiplier(at step: Double, totalSteps: Int, learningRate: Double) -> Double {
        let step = min(step, Double(max(totalSteps - 1, 0)))
        let warmup = warmupSteps(totalSteps: totalSteps)
        if kind == .constant { return 1 }
        if step < Double(warmup) { return step / Double(max(1, warmup)) }
        let progress = (step - Double(warmup)) / Double(max(1, totalSteps - warmup))
        switch kind {
        case .constant, .constantWithWarmup:
            return 1
        case .linear:
            return max(0, (Double(totalSteps) - step) / Double(max(1, totalSteps - warmup)))
        case .cosine:
            return max(0, 0.5 * (1 + cos(.pi * progress)))
        case .cosineWithRestarts:
            let within = (Double(cycles) * progress).truncatingRemainder(dividingBy: 1)
            return max(0, 0.5 * (1 + cos(.pi * within)))
        case .polynomial:
            let range = learningRate - Self.polynomialEnd
            return (range * pow(1 - progress, power) + Self.polynomialEnd) / learningRate
        }
    }
}
