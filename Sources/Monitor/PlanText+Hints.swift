import Recipe

extension PlanText {
    /// What a person who knows would remark on this plan, a sentence or two each.
    package var hints: [String] {
        [
            idleWorkers, shortEpoch, shortStep, smallAlpha, hotTextEncoder, unscaled, longWarmup,
        ].compactMap { $0 }
    }

    private var idleWorkers: String? {
        guard recipe.batch.policy == .fixed, let workers, workers > plan.slotsPerStep else { return nil }
        let idle = workers - plan.slotsPerStep
        return "\(idle) of \(workers) workers will have nothing to do, because a step has "
            + "\(Figures.count(plan.slotsPerStep, "slot")); set gradient_accumulation_steps to \(workers) or more, "
            + "or add to global_batch_size."
    }

    private var shortEpoch: String? {
        if recipe.batch.policy == .perWorker, let workers {
            let (slots, overflow) = plan.slotsPerStep.multipliedReportingOverflow(by: workers)
            guard overflow || slots > plan.slotsPerEpoch else { return nil }
            return
                "an epoch has \(Figures.count(plan.slotsPerEpoch, "slot")), fewer than \(workers) workers take in a step, "
                + "so every step is a short one; add repeats, or lower gradient_accumulation_steps."
        }
        guard plan.slotsPerEpoch < plan.slotsPerStep else { return nil }
        return
            "an epoch has \(Figures.count(plan.slotsPerEpoch, "slot")) and a step has room for \(plan.slotsPerStep), "
            + "so every step is a short one; add repeats, or lower the batch."
    }

    private var shortStep: String? {
        guard recipe.batch.policy == .fixed, plan.slotsPerEpoch >= plan.slotsPerStep, plan.slotsMissingAtEpochEnd > 0
        else { return nil }
        let last = plan.slotsPerStep - plan.slotsMissingAtEpochEnd
        return "the last step of each epoch has \(last) of \(plan.slotsPerStep) slots."
    }

    private var smallAlpha: String? {
        let scale = recipe.network.scale
        guard scale <= 0.125 else { return nil }
        return "alpha is much smaller than the rank: what the LoRA learns counts 1/\((1 / scale).short); "
            + "raise network_alpha (half the rank is common) or the learning rate."
    }

    private var hotTextEncoder: String? {
        guard learningRates.groups.contains(.textEncoder), learningRates.groups.contains(.unet),
            learningRates.base(.textEncoder) > learningRates.base(.unet)
        else { return nil }
        return "text_encoder_lr is above the UNet's learning rate; text encoders want less, "
            + "and this is the usual cause of a loss that is NaN."
    }

    private var unscaled: String? {
        guard recipe.batch.policy == .fixed, recipe.batch.baseBatchSize == nil, plan.slotsPerStep > 1,
            recipe.batch.scalingRule != .none
        else { return nil }
        return "learning rates are taken as written for a batch of \(recipe.batch.effectiveBatch); "
            + "set base_batch_size to the batch they were made for to have them scaled."
    }

    private var longWarmup: String? {
        let warmup = recipe.schedule.warmupSteps(totalSteps: plan.totalSteps)
        guard recipe.schedule.kind != .constant, warmup >= plan.totalSteps else { return nil }
        return "warm-up lasts as long as the run, so the learning rate never reaches what is written."
    }
}
