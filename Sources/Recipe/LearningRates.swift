/// The learning rate of every group at every step: `lr_group · rule(κ) · schedule(step)`.
///
/// A pure function of the recipe and the number of steps; see ``BatchScaling`` for the rule and
/// ``Schedule/multiplier(at:totalSteps:learningRate:)`` for the schedule.
package struct LearningRates: Sendable {
    package let groups: [ParameterGroup]
    package let scaling: BatchScaling
    package let totalSteps: Int
    private let recipe: Recipe

    /// - Parameters:
    ///   - totalSteps: ``TrainingPlan/totalSteps``.
    ///   - ratio: κ; nil takes the recipe's, of one worker where workers count.
    package init(recipe: Recipe, totalSteps: Int, ratio: Double? = nil) throws(BatchScalingError) {
        self.recipe = recipe
        self.totalSteps = totalSteps
        groups = recipe.parameterGroups
        scaling = try BatchScaling(recipe: recipe, ratio: ratio)
    }

    /// The same at another batch.
    ///
    /// - Parameter ratio: κ; past the end of what `scale_adam_betas` can follow, that end is taken.
    package func scaled(to ratio: Double) throws(BatchScalingError) -> LearningRates {
        let limit = BatchScaling.limit(of: recipe) ?? .infinity
        return try LearningRates(recipe: recipe, totalSteps: totalSteps, ratio: min(ratio, limit))
    }

    /// A group's learning rate as the user wrote it, LoRA+'s ratio included.
    package func base(_ group: ParameterGroup) -> Double {
        let optimizer = recipe.optimizer
        let own = group.isTextEncoder ? optimizer.textEncoderLearningRate : optimizer.unetLearningRate
        return (own ?? optimizer.learningRate) * (group.isUp ? optimizer.loraPlusRatio ?? 1 : 1)
    }

    /// A group's learning rate at the effective batch, before the schedule.
    package func scaled(_ group: ParameterGroup) -> Double { base(group) * scaling.factor }

    /// The rule's factor at `step`: it climbs from 1 over `lr_scaling_warmup_steps`.
    ///
    /// Goyal et al. 2017, section 2.2.
    package func scalingFactor(at step: Double) -> Double {
        let warmup = Double(recipe.batch.scalingWarmupSteps)
        guard step < warmup else { return scaling.factor }
        return 1 + (scaling.factor - 1) * step / warmup
    }

    /// A group's learning rate at `step`, from 0.
    ///
    /// - Parameter step: not whole where a step does not begin with a base step; see ``TrainingPlan/baseStep(ofSlot:)``.
    package func rate(_ group: ParameterGroup, at step: Double) -> Double {
        base(group) * scalingFactor(at: step)
            * recipe.schedule.multiplier(
                at: step, totalSteps: totalSteps, learningRate: recipe.optimizer.learningRate)
    }

    /// Every group's learning rate at `step`, from 0.
    package func rates(at step: Double) -> [ParameterGroup: Double] {
        Dictionary(uniqueKeysWithValues: groups.map { ($0, rate($0, at: step)) })
    }
}
