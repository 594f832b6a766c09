import Testing

@testable import Recipe

private func buckets(_ slots: Int) -> [PlannedBucket] {
    // One bucket whose last slot is short.
    [
        PlannedBucket(
            dataset: 0, width: 512, height: 512, batchSize: 2,
            pictures: (0..<2 * slots - 1).map { PlannedPicture(index: $0, repeats: 1) })
    ]
}

private func growing(slots: Int = 2, steps: Int = 1600, epochs: Int? = nil) -> Recipe {
    var recipe = Recipe()
    recipe.batch.policy = .perWorker
    recipe.batch.trainBatchSize = 2
    recipe.batch.gradientAccumulationSteps = slots
    recipe.run.maxTrainSteps = steps
    recipe.run.maxTrainEpochs = epochs
    return recipe
}

@Suite struct `A batch that grows with the world` {
    @Test func `sees every sample of an epoch once and ends where one worker would, whoever is in when`() throws {
        for slots in [1, 2, 3, 5, 11, 40] {
            let plan = try TrainingPlan(recipe: growing(slots: slots, epochs: 3), buckets: buckets(11))
            #expect(plan.totalSlots == 33)
            for seed in 0..<20 {
                var random = CounterRandom(seed: UInt64(seed), purpose: .noise)
                var (place, steps, samples) = (0, 0, [[SampleAddress]](repeating: [], count: 3))
                while place < plan.totalSlots {
                    let count = min(slots * (1 + Int(random.double() * 5)), plan.slotsLeft(from: place))
                    let step = (place..<place + count).map { plan.slot(ofRun: $0) }
                    #expect(Set(step.map(\.epoch)).count == 1)
                    for slot in step { samples[slot.epoch] += slot.samples }
                    place += count
                    steps += 1
                }
                #expect(samples.allSatisfy { $0.count == 21 && Set($0).count == 21 })
                #expect(steps <= plan.totalSteps)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 7], [1, 5, 6, 13, 40])
    func `counts its steps in samples`(slots: Int, base: Int) throws {
        let plan = try TrainingPlan(recipe: growing(slots: slots, steps: base), buckets: buckets(11))
        #expect(plan.steps(workers: 1) == base)
        for workers in [1, 2, 3, 4, 9] {
            var (place, steps) = (0, 0)
            while place < plan.totalSlots {
                #expect(plan.steps(from: place, workers: workers) + steps == plan.steps(workers: workers))
                place += min(slots * workers, plan.slotsLeft(from: place))
                steps += 1
            }
            #expect(steps == plan.steps(workers: workers) && place == plan.totalSlots)
        }
    }

    @Test func `has one worker's steps where the plan has them`() throws {
        let plan = try TrainingPlan(recipe: growing(slots: 3, steps: 40), buckets: buckets(11))
        for step in 0..<40 {
            let place = plan.firstSlotOfRun(step: step)
            #expect(plan.baseStep(ofSlot: place) == Double(step))
            let count = min(plan.slotsPerStep, plan.slotsLeft(from: place))
            #expect((place..<place + count).map { plan.slot(ofRun: $0) } == plan.slots(of: step))
        }
        // The middle of a step, and the epoch's short last one.
        #expect(plan.baseStep(ofSlot: 11 + 4) == 4 + 4.0 / 3)
    }

    @Test(arguments: [
        (Optimizer.Kind.adamW, 1, 1.0), (.adamW, 2, 2.0.squareRoot()), (.adamW, 4, 2.0), (.sgd, 4, 4.0), (.sgd, 3, 3.0),
    ])
    func `scales rates by its rule, from one worker's batch`(
        kind: Optimizer.Kind, workers: Int, factor: Double
    ) throws {
        var recipe = growing(slots: 3)
        recipe.optimizer.kind = kind
        #expect(recipe.batch.effectiveBatch(workers: workers) == 6 * workers)
        #expect(recipe.batch.ratio(workers: workers) == Double(workers))
        let rates = try LearningRates(recipe: recipe, totalSteps: 10).scaled(to: recipe.batch.ratio(workers: workers))
        #expect(rates.rate(.unet, at: 3) == 1e-4 * factor)

        recipe.batch.baseBatchSize = 24
        #expect(recipe.batch.ratio(workers: workers) == Double(workers) / 4)
    }

    @Test func `scales betas as far as they go`() throws {
        var recipe = growing()
        recipe.batch.scalesAdamBetas = true
        let rates = try LearningRates(recipe: recipe, totalSteps: 10)
        let four = try rates.scaled(to: 4).scaling
        #expect(abs(four.beta1 - 0.6) < 1e-12 && abs(four.beta2 - 0.996) < 1e-12 && four.epsilon == 5e-9)
        let hundred = try rates.scaled(to: 100).scaling
        #expect(hundred.beta1 >= 0 && hundred.beta1 < 1e-12 && abs(hundred.ratio - 10) < 1e-12)
    }

    @Test func `has the schedule follow samples`() throws {
        var recipe = growing()
        recipe.schedule.kind = .linear
        recipe.schedule.warmup = .steps(4)
        let rates = try LearningRates(recipe: recipe, totalSteps: 12)
        let expected = [0: 0, 1: 0.25, 1.5: 0.375, 4: 1, 6: 0.75, 7.5: 0.5625]
        for (step, share) in expected { #expect(abs(rates.rate(.unet, at: step) - 1e-4 * share) < 1e-18) }
    }

    @Test func `keeps the name of recipes that do not choose it`() throws {
        var (fixed, other) = (Recipe(), Recipe())
        other.batch.rampSteps = 3
        #expect(fixed.hash == other.hash && !fixed.toml.contains("batch_policy"))
        fixed.batch.policy = .perWorker
        other.batch.policy = .perWorker
        #expect(Set([fixed.hash, other.hash, Recipe().hash]).count == 3)
        let text = """
            pretrained_model_name_or_path = "m"
            train_data_dir = "d"
            batch_policy = "per_worker"
            batch_ramp_steps = 7
            """
        let recipe = try RecipeReader.read(toml: text)
        #expect(recipe.batch.policy == .perWorker && recipe.batch.rampSteps == 7)
        #expect(try RecipeReader.read(toml: recipe.toml) == recipe)
    }

    @Test(arguments: [("global_batch_size = 8", "global_batch_size fixes it"), ("exact = true", "is never exact")])
    func `refuses what would fix it`(line: String, sentence: String) {
        let text =
            "pretrained_model_name_or_path = \"m\"\ntrain_data_dir = \"d\"\nbatch_policy = \"per_worker\"\n" + line
        let error = #expect(throws: (any Error).self) { try RecipeReader.read(toml: text) }
        #expect(error.map { "\($0)" }?.contains(sentence) == true)
    }
}

@Suite struct `A ramp between two batches` {
    private func ratios(_ targets: [Double], over steps: Int) -> [Double] {
        var ramp = BatchRamp()
        return targets.map { ramp.advance(towards: $0, over: steps) }
    }

    @Test func `begins where the world is, and moves evenly when it changes`() {
        #expect(ratios([2, 2, 4, 4, 4, 4, 4, 4], over: 4) == [2, 2, 2.5, 3, 3.5, 4, 4, 4])
        #expect(ratios([4, 1, 1, 1, 1], over: 3) == [4, 3, 2, 1, 1])
    }

    @Test func `turns round where it is`() {
        #expect(ratios([1, 5, 5, 1, 1, 1, 1, 1], over: 4) == [1, 2, 3, 2.5, 2, 1.5, 1, 1])
    }

    @Test func `is at once over no steps`() {
        #expect(ratios([1, 3, 2], over: 0) == [1, 3, 2])
    }

    @Test func `never jumps, however the world flaps`() {
        var random = CounterRandom(seed: 1, purpose: .noise)
        var world = 1.0
        let targets = (0..<500).map { _ in
            if random.double() < 0.2 { world = 1 + (random.double() * 8).rounded(.down) }
            return world
        }
        let found = ratios(targets, over: 10)
        #expect(zip(found, found.dropFirst()).allSatisfy { abs($0 - $1) <= 0.7 + 1e-12 })
        #expect(found.allSatisfy { (1...8).contains($0) })
    }
}
