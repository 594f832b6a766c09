/// What a step of κ times the batch does to the optimizer's numbers.
package struct BatchScaling: Equatable, Sendable {
    /// The rule in force, never `auto`.
    package let rule: Batch.ScalingRule
    /// κ = effective batch ÷ `base_batch_size`.
    package let ratio: Double
    /// What every learning rate is multiplied by.
    package let factor: Double
    package let beta1: Double
    package let beta2: Double
    package let epsilon: Double

    /// By the recipe's rule.
    ///
    /// Linear: Goyal et al., "Accurate, Large Minibatch SGD", 2017, <https://arxiv.org/abs/1706.02677>. Square root,
    /// with β₁' = 1 − κ(1 − β₁), β₂' = 1 − κ(1 − β₂), ε' = ε/√κ when `scale_adam_betas` is on: Malladi et al., "On the
    /// SDEs and Scaling Rules for Adaptive Gradient Algorithms", 2022, <https://arxiv.org/abs/2205.10287>, definition 5.2.
    ///
    /// - Parameter ratio: κ; nil takes the recipe's, of one worker where workers count.
    package init(recipe: Recipe, ratio: Double? = nil) throws(BatchScalingError) {
        let batch = recipe.batch
        let optimizer = recipe.optimizer
        self.ratio = ratio ?? batch.ratio()
        rule =
            switch (batch.scalingRule, optimizer.kind) {
            case (.auto, .adamW): .sqrt
            case (.auto, .sgd): .linear
            case (let rule, _): rule
            }
        factor =
            switch rule {
            case .linear: self.ratio
            case .sqrt: self.ratio.squareRoot()
            case .none, .auto: 1
            }
        guard batch.scalesAdamBetas else {
            (beta1, beta2, epsilon) = (optimizer.beta1, optimizer.beta2, optimizer.epsilon)
            return
        }
        guard optimizer.kind == .adamW, rule == .sqrt else {
            throw .notAdam(optimizer: optimizer.kind.rawValue, rule: rule.rawValue)
        }
        beta1 = max(0, 1 - self.ratio * (1 - optimizer.beta1))
        beta2 = max(0, 1 - self.ratio * (1 - optimizer.beta2))
        epsilon = optimizer.epsilon / self.ratio.squareRoot()
        guard let limit = Self.limit(of: recipe), self.ratio <= limit else {
            throw .tooLarge(ratio: self.ratio, limit: Self.limit(of: recipe) ?? 1)
        }
    }

    /// The greatest κ that `scale_adam_betas` can follow, where a β reaches 0; nil without it.
    package static func limit(of recipe: Recipe) -> Double? {
        guard recipe.batch.scalesAdamBetas else { return nil }
        return 1 / (1 - min(recipe.optimizer.beta1, recipe.optimizer.beta2))
    }
}

/// Why a batch cannot be scaled to.
package enum BatchScalingError: Error, Equatable, CustomStringConvertible {
    case notAdam(optimizer: String, rule: String)
    case tooLarge(ratio: Double, limit: Double)

    package var description: String {
        switch self {
        case .notAdam(let optimizer, let rule):
            "scale_adam_betas belongs to AdamW with lr_scaling sqrt (or auto), not to \(optimizer) with \(rule); leave it out."
        case .tooLarge(let ratio, let limit):
            "scale_adam_betas cannot follow a batch \(ratio.short) times base_batch_size: a β would fall below 0 past "
                + "\(limit.short) times; raise base_batch_size, lower the batch, or leave scale_adam_betas out."
        }
    }
}
