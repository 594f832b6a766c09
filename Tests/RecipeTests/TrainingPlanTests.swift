import Testing

@testable import Recipe

private func bucket(_ pictures: Range<Int>, repeats: Int = 1, batchSize: Int = 1, width: Int = 512) -> PlannedBucket {
    PlannedBucket(
        dataset: 0, width: width, height: 512, batchSize: batchSize,
        pictures: pictures.map { PlannedPicture(index: $0, repeats: repeats) })
}

private func recipe(slots: Int = 1, steps: Int = 1600, epochs: Int? = nil, seed: UInt64 = 0) -> Recipe {
    var recipe = Recipe()
    recipe.batch.gradientAccumulationSteps = slots
    recipe.run.maxTrainSteps = steps
    recipe.run.maxTrainEpochs = epochs
    recipe.run.seed = seed
    return recipe
}

@Suite struct `A training plan` {
    // Two buckets: 5 pictures × 3 repeats in fours = 4 slots, 3 pictures × 1 in twos = 2 slots.
    private let buckets = [
        bucket(0..<5, repeats: 3, batchSize: 4), bucket(5..<8, batchSize: 2, width: 384),
    ]

    @Test func `counts samples, slots and steps as kohya does`() throws {
        let plan = try TrainingPlan(recipe: recipe(slots: 4, epochs: 10), buckets: buckets)
        #expect(plan.samplesPerEpoch == 18)
        #expect(plan.slotsPerEpoch == 6)
        #expect(plan.stepsPerEpoch == 2)
        #expect(plan.totalSteps == 20)
        #expect(plan.epochs == 10)
        #expect(plan.slotCount(of: 0) == 4)
        #expect(plan.slotCount(of: 1) == 2)
        #expect(plan.slotsMissingAtEpochEnd == 2)
        #expect(plan.meanSamplesPerStep == 9)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 100])
    func `sees every sample of an epoch exactly once, whatever the step's size`(slots: Int) throws {
        let plan = try TrainingPlan(recipe: recipe(slots: slots), buckets: buckets)
        for epoch in 0..<3 {
            let steps = (epoch * plan.stepsPerEpoch)..<((epoch + 1) * plan.stepsPerEpoch)
            let samples = steps.flatMap { plan.slots(of: $0) }.flatMap(\.samples)
            #expect(samples.count == 18)
            #expect(Set(samples).count == 18)
            #expect(samples.count { $0.picture == 2 } == 3)
            #expect(steps.flatMap { plan.slots(of: $0) }.allSatisfy { $0.epoch == epoch })
        }
    }

    @Test func `keeps a slot within one bucket and its batch size`() throws {
        let plan = try TrainingPlan(recipe: recipe(), buckets: buckets)
        let slots = (0..<plan.stepsPerEpoch).flatMap { plan.slots(of: $0) }
        for slot in slots {
            let own = Set(buckets[slot.bucket].pictures.map(\.index))
            #expect(slot.samples.allSatisfy { own.contains($0.picture) })
        }
        #expect(slots.map(\.samples.count).sorted() == [1, 2, 3, 4, 4, 4])
    }

    @Test func `is the same in any order of asking`() throws {
        let forward = try TrainingPlan(recipe: recipe(slots: 2), buckets: buckets)
        let backward = try TrainingPlan(recipe: recipe(slots: 2), buckets: buckets)
        let steps = Array(0..<12)
        let there = steps.map { forward.slots(of: $0) }
        let back = steps.reversed().map { backward.slots(of: $0) }
        #expect(there == back.reversed())
    }

    @Test func `holds the same slots in the same order at any size of step`() throws {
        let ones = try TrainingPlan(recipe: recipe(slots: 1), buckets: buckets)
        let threes = try TrainingPlan(recipe: recipe(slots: 3), buckets: buckets)
        #expect((0..<12).flatMap { ones.slots(of: $0) } == (0..<4).flatMap { threes.slots(of: $0) })
    }

    @Test func `orders each epoch anew, and by the seed`() throws {
        let plan = try TrainingPlan(recipe: recipe(), buckets: [bucket(0..<40)])
        let other = try TrainingPlan(recipe: recipe(seed: 1), buckets: [bucket(0..<40)])
        let orders = [plan.order(of: 0), plan.order(of: 1), other.order(of: 0)].map { $0.slots.flatMap(\.samples) }
        #expect(Set(orders).count == 3)
        #expect(Set(orders.map(Set.init)).count == 1)
    }

    @Test func `mixes the buckets of an epoch`() throws {
        let plan = try TrainingPlan(recipe: recipe(), buckets: [bucket(0..<30), bucket(30..<60, width: 384)])
        let inOrder = plan.order(of: 0).slots.map(\.bucket)
        #expect(inOrder != inOrder.sorted())
        #expect(inOrder.prefix(30).contains(1))
    }

    @Test func `ends by steps in the middle of an epoch, by epochs at its end`() throws {
        let bySteps = try TrainingPlan(recipe: recipe(slots: 4, steps: 3), buckets: buckets)
        #expect(bySteps.totalSteps == 3)
        #expect(bySteps.epochs == 2)
        #expect(bySteps.epoch(of: 2) == 1)
        #expect([0, 1, 2, 3].map { bySteps.endsEpoch($0) } == [false, true, false, true])
        #expect(bySteps.firstSlot(of: 3) == 4)
        let byEpochs = try TrainingPlan(recipe: recipe(slots: 4, steps: 3, epochs: 5), buckets: buckets)
        #expect(byEpochs.totalSteps == 10)
    }

    @Test func `takes its slots from global_batch_size when there is one`() throws {
        var recipe = recipe(slots: 3)
        recipe.batch.trainBatchSize = 4
        recipe.batch.globalBatchSize = 16
        #expect(try TrainingPlan(recipe: recipe, buckets: buckets).slotsPerStep == 4)
    }

    @Test func `refuses what cannot be planned`() {
        func plan(_ buckets: [PlannedBucket], _ recipe: Recipe = recipe()) throws {
            _ = try TrainingPlan(recipe: recipe, buckets: buckets)
        }
        #expect(throws: TrainingPlanError.noPictures) { try plan([]) }
        #expect(throws: TrainingPlanError.noPictures) { try plan([bucket(0..<0)]) }
        #expect(throws: TrainingPlanError.batchSize(bucket: "512×512", 0)) { try plan([bucket(0..<1, batchSize: 0)]) }
        #expect(throws: TrainingPlanError.repeats(picture: 0, 0)) { try plan([bucket(0..<1, repeats: 0)]) }
        #expect(throws: TrainingPlanError.pictureTwice(1)) { try plan([bucket(0..<2), bucket(1..<2)]) }
        #expect(throws: TrainingPlanError.pictureIndex(-1)) { try plan([bucket(-1..<2)]) }
        #expect(throws: TrainingPlanError.tooManySamples(.max)) { try plan([bucket(0..<3, repeats: .max)]) }
        #expect(throws: TrainingPlanError.noSlots) { try plan(buckets, recipe(slots: 0)) }
        #expect(throws: TrainingPlanError.noSteps(key: "max_train_epochs", value: 0)) {
            try plan(buckets, recipe(epochs: 0))
        }
        #expect(throws: TrainingPlanError.noSteps(key: "max_train_steps", value: 0)) {
            try plan(buckets, recipe(steps: 0))
        }
    }
}
