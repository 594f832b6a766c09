import Monitor
import Recipe
import Testing

private func recipe() -> Recipe {
    var recipe = Recipe()
    recipe.model.path = "models/stable-diffusion-v1-5.safetensors"
    recipe.network.rank = 16
    recipe.network.alpha = 8
    recipe.optimizer.textEncoderLearningRate = 5e-5
    recipe.schedule.kind = .cosine
    recipe.schedule.warmup = .ratio(0.1)
    recipe.batch.trainBatchSize = 2
    recipe.batch.globalBatchSize = 8
    recipe.batch.baseBatchSize = 2
    recipe.run.maxTrainEpochs = 10
    recipe.run.seed = 42
    recipe.run.outputName = "deer"
    recipe.run.savePrecision = .fp16
    return recipe
}

private func plan(
    _ recipe: Recipe, workers: Int? = nil, bytes: Int? = nil, seconds: Double? = nil, pictures: Int = 12,
    repeats: Int = 10
) throws -> PlanText {
    let buckets = [
        PlannedBucket(
            dataset: 0, width: 512, height: 512, batchSize: recipe.batch.trainBatchSize,
            pictures: (0..<pictures).map { PlannedPicture(index: $0, repeats: repeats) })
    ]
    let plan = try TrainingPlan(recipe: recipe, buckets: buckets)
    return PlanText(
        recipe: recipe, plan: plan, learningRates: try LearningRates(recipe: recipe, totalSteps: plan.totalSteps),
        workers: workers, fileBytes: bytes, secondsPerStep: seconds)
}

@Suite struct `The plan's text` {
    @Test func `says what is held out and how often it is looked at`() throws {
        var recipe = recipe()
        var text = try plan(recipe)
        #expect(!text.text.contains("validation"))
        text.heldOut = 5
        #expect(
            text.text.contains(
                """
                  validation      5 pictures held out, at timesteps 200, 400, 600, 800: 20
                                  samples after every epoch and at the end

                """), "\(text.text)")
        recipe.validation.everyNSteps = 100
        recipe.validation.everyNEpochs = 2
        recipe.validation.maxSteps = 2
        text.recipe = recipe
        #expect(
            text.text.contains(
                """
                  validation      5 pictures held out, of which 4 are looked at, at timesteps
                                  200, 400, 600, 800: 16 samples after every 100 steps, every 2
                                  epochs and at the end

                """), "\(text.text)")
    }

    @Test func `says what will happen`() throws {
        let text = try plan(recipe(), workers: 2, bytes: 18 << 20, seconds: 3).text
        #expect(
            text == """
                The plan
                  model           models/stable-diffusion-v1-5.safetensors
                  pictures        12, each 10 times: 120 samples in an epoch, in 1 bucket
                  step            4 slots of 2: effective batch 8 (learning rates are for 2)
                  epoch           60 slots = 15 steps
                  run             150 steps, 10 epochs, seed 42
                  adapter         LoRA of rank 16, alpha 8 (counts 0.5), on UNet and text
                                  encoder
                  optimizer       AdamW, betas 0.9 0.999, eps 1e-8, weight decay 0.01, clipped
                                  at norm 1
                  schedule        cosine, warm-up over 15 steps
                  learning rate   unet 1e-4 -> 2e-4 (sqrt, x 2)
                                  textencoder 5e-5 -> 1e-4 (sqrt, x 2)
                  file            output/deer.safetensors (fp16), 18.0 MiB
                  expected        7:30 on 2 workers, 3.00 s/it

                """)
    }

    @Test func `says what one, two and four workers would make of it where the batch grows with them`() throws {
        var recipe = recipe()
        recipe.batch.policy = .perWorker
        recipe.batch.globalBatchSize = nil
        recipe.batch.baseBatchSize = nil
        recipe.batch.gradientAccumulationSteps = 4
        let plan = try plan(recipe, workers: 3)
        #expect(
            plan.text.contains(
                """
                  step            4 slots of 2 for each worker that is in when it begins
                                  (learning rates are for a batch of 8); the result depends on
                                  who is in when: it is never exact
                  epoch           60 slots = 15 steps of one worker
                  run             the samples of 150 steps of one worker, 10 epochs, seed 42
                  1 worker        batch 8, 150 steps, unet 1e-4, textencoder 5e-5
                  2 workers       batch 16, 80 steps, unet 1.41e-4, textencoder 7.07e-5 (sqrt, x
                                  1.414)
                  3 workers       batch 24, 50 steps, unet 1.73e-4, textencoder 8.66e-5 (sqrt, x
                                  1.732)
                  4 workers       batch 32, 40 steps, unet 2e-4, textencoder 1e-4 (sqrt, x 2)

                """), "\(plan.text)")
        #expect(plan.text.contains("by samples seen; a change of\n                  the world takes 20 steps"))
        #expect(plan.hints == [])
        let crowd = PlanText(
            recipe: recipe, plan: plan.plan, learningRates: plan.learningRates, workers: 16)
        #expect(crowd.hints.first?.hasPrefix("an epoch has 60 slots, fewer than 16 workers take in a step") == true)
    }

    @Test func `fits 80 columns, whatever the names`() throws {
        var recipe = recipe()
        recipe.model.path = String(repeating: "very/", count: 60) + "long"
        recipe.run.outputDirectory = String(repeating: "deep/", count: 60)
        recipe.network.initialWeights = String(repeating: "x", count: 300)
        recipe.optimizer.loraPlusRatio = 16
        recipe.network.alpha = 1
        let text = try plan(recipe, workers: 64, bytes: 1 << 40, seconds: 1e5).text
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(text.utf8.allSatisfy { $0 < 128 })
        #expect(text.contains("/very/long\n"))
        #expect(text.contains("textencoder plus 8e-4 -> 1.6e-3"))
    }

    @Test func `leaves out what is not known`() throws {
        let text = try plan(recipe()).text
        #expect(!text.contains("expected"))
        #expect(text.contains("deer.safetensors (fp16)\n"))
    }

    @Test func `says when the last epoch is seen in part`() throws {
        var recipe = recipe()
        recipe.run.maxTrainEpochs = nil
        recipe.run.maxTrainSteps = 40
        #expect(try plan(recipe).text.contains("40 steps, 3 epochs (the last in part), seed 42"))
    }
}

@Suite struct `The plan's hints` {
    @Test func `are none for a plan that is well made`() throws {
        #expect(try plan(recipe(), workers: 4).hints == [])
    }

    private func hint(_ change: (inout Recipe) -> Void, workers: Int? = nil, pictures: Int = 12) throws -> [String] {
        var recipe = recipe()
        change(&recipe)
        return try plan(recipe, workers: workers, pictures: pictures).hints
    }

    @Test func `say that workers would be idle`() throws {
        let hints = try hint({ _ in }, workers: 6)
        #expect(hints.count == 1)
        #expect(hints[0].hasPrefix("2 of 6 workers will have nothing to do, because a step has 4 slots;"))
    }

    @Test func `say that the last step of an epoch is short`() throws {
        #expect(try hint({ _ in }, pictures: 11) == ["the last step of each epoch has 3 of 4 slots."])
        let tiny = try hint({
            $0.batch.globalBatchSize = 400; $0.batch.scalingRule = .none
        })
        #expect(tiny.first?.hasPrefix("an epoch has 60 slots and a step has room for 200") == true)
    }

    @Test func `say that alpha is small for the rank`() throws {
        let hints = try hint({
            $0.network.rank = 128; $0.network.alpha = 1
        })
        #expect(hints.first?.contains("what the LoRA learns counts 1/128") == true)
        #expect(
            try hint({
                $0.network.rank = 128; $0.network.alpha = 0
            }) == [])
    }

    @Test func `say that the text encoder's rate is high`() throws {
        #expect(try hint({ $0.optimizer.textEncoderLearningRate = 2e-4 }).first?.contains("NaN") == true)
        #expect(
            try hint({
                $0.optimizer.textEncoderLearningRate = 2e-4; $0.network.trainsTextEncoder = false
            }) == [])
    }

    @Test func `say that rates are not scaled to the batch`() throws {
        #expect(try hint({ $0.batch.baseBatchSize = nil }).first?.contains("for a batch of 8") == true)
        #expect(
            try hint({
                $0.batch.baseBatchSize = nil; $0.batch.scalingRule = .none
            }) == [])
    }

    @Test func `say that warm-up never ends`() throws {
        #expect(
            try hint({ $0.schedule.warmup = .steps(150) }).first?.hasPrefix("warm-up lasts as long as the run") == true)
    }
}
