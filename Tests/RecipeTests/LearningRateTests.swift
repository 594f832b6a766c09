import Foundation
import Testing

@testable import Recipe

/// `Tests/Fixtures/schedules/schedules.json`, made by the script beside it.
struct ScheduleFixture: Decodable {
    struct Case: Decodable, CustomTestStringConvertible {
        let kind: Schedule.Kind
        let total: Int
        let warmup: Int
        let cycles: Int
        let power: Double
        let learningRates: [Double]
        var testDescription: String {
            "\(kind.rawValue), \(total) steps, warm-up \(warmup), cycles \(cycles), power \(power)"
        }
    }
    let baseLearningRate: Double
    let cases: [Case]

    static func load() throws -> ScheduleFixture {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(
            ScheduleFixture.self, from: Data(contentsOf: folder.appending(path: "Fixtures/schedules/schedules.json")))
    }
}

@Suite struct `A learning-rate schedule` {
    @Test func `agrees with diffusers at every step`() throws {
        let fixture = try ScheduleFixture.load()
        #expect(Set(fixture.cases.map(\.kind)) == Set(Schedule.Kind.allCases))
        for expected in fixture.cases {
            var recipe = Recipe()
            recipe.optimizer.learningRate = fixture.baseLearningRate
            recipe.schedule.kind = expected.kind
            recipe.schedule.warmup = .steps(expected.warmup)
            recipe.schedule.cycles = expected.cycles
            recipe.schedule.power = expected.power
            let rates = try LearningRates(recipe: recipe, totalSteps: expected.total)
            for (step, rate) in expected.learningRates.enumerated() {
                let ours = rates.rate(.unet, at: Double(step))
                #expect(
                    abs(ours - rate) <= 1e-12 * fixture.baseLearningRate, "\(expected.testDescription), step \(step)")
            }
        }
    }

    @Test(arguments: Schedule.Kind.allCases)
    func `never falls to 0 after the end, as a resumed run would see it`(kind: Schedule.Kind) {
        var schedule = Schedule()
        schedule.kind = kind
        schedule.cycles = 3
        let last = schedule.multiplier(at: 99, totalSteps: 100, learningRate: 1e-4)
        #expect(last > 0)
        #expect(schedule.multiplier(at: 100, totalSteps: 100, learningRate: 1e-4) == last)
        #expect(schedule.multiplier(at: 100_000, totalSteps: 100, learningRate: 1e-4) == last)
    }

    @Test func `takes its warm-up as a share of all steps too, rounded down`() {
        var schedule = Schedule()
        schedule.warmup = .ratio(0.1)
        #expect(schedule.warmupSteps(totalSteps: 1599) == 159)
    }
}

@Suite struct `The learning rate of a group` {
    @Test func `is its own, or else learning_rate, and B's is the ratio times A's`() throws {
        var recipe = Recipe()
        recipe.optimizer.learningRate = 1e-4
        recipe.optimizer.textEncoderLearningRate = 5e-5
        let plain = try LearningRates(recipe: recipe, totalSteps: 10)
        #expect(plain.rates(at: 3) == [.unet: 1e-4, .textEncoder: 5e-5])

        recipe.optimizer.loraPlusRatio = 16
        let plus = try LearningRates(recipe: recipe, totalSteps: 10)
        #expect(plus.rates(at: 3) == [.unet: 1e-4, .unetUp: 16e-4, .textEncoder: 5e-5, .textEncoderUp: 80e-5])
        #expect(recipe.parameterGroup(textEncoder: true, up: true) == .textEncoderUp)
        #expect(recipe.parameterGroup(textEncoder: false, up: false) == .unet)
    }

    @Test func `is not there for a part that is not trained`() throws {
        var recipe = Recipe()
        recipe.network.trainsTextEncoder = false
        #expect(try LearningRates(recipe: recipe, totalSteps: 10).groups == [.unet])
    }

    @Test(arguments: [
        (Optimizer.Kind.adamW, Batch.ScalingRule.auto, 4.0), (.sgd, .auto, 16.0), (.adamW, .linear, 16.0),
        (.sgd, .sqrt, 4.0), (.adamW, .none, 1.0),
    ])
    func `grows with the batch by its rule`(kind: Optimizer.Kind, rule: Batch.ScalingRule, factor: Double) throws {
        var recipe = Recipe()
        recipe.optimizer.kind = kind
        recipe.batch.scalingRule = rule
        recipe.batch.trainBatchSize = 4
        recipe.batch.globalBatchSize = 64
        recipe.batch.baseBatchSize = 4
        let rates = try LearningRates(recipe: recipe, totalSteps: 10)
        #expect(rates.scaled(.unet) == 1e-4 * factor)
        #expect(rates.rate(.unet, at: 0) == 1e-4 * factor)
    }

    @Test func `stays as written without base_batch_size`() throws {
        var recipe = Recipe()
        recipe.batch.gradientAccumulationSteps = 32
        #expect(try LearningRates(recipe: recipe, totalSteps: 10).scaling.factor == 1)
    }

    @Test func `climbs from the base to the scaled rate over lr_scaling_warmup_steps`() throws {
        var recipe = Recipe()
        recipe.batch.scalingRule = .linear
        recipe.batch.gradientAccumulationSteps = 5
        recipe.batch.baseBatchSize = 1
        recipe.batch.scalingWarmupSteps = 4
        let rates = try LearningRates(recipe: recipe, totalSteps: 10)
        #expect((0..<6).map { rates.scalingFactor(at: Double($0)) } == [1, 2, 3, 4, 5, 5])
    }

    @Test func `scales Adam's betas and epsilon by Malladi's rule`() throws {
        var recipe = Recipe()
        recipe.batch.scalesAdamBetas = true
        recipe.batch.gradientAccumulationSteps = 4
        recipe.batch.baseBatchSize = 1
        let scaling = try BatchScaling(recipe: recipe)
        #expect(abs(scaling.beta1 - 0.6) < 1e-12)
        #expect(abs(scaling.beta2 - 0.996) < 1e-12)
        #expect(abs(scaling.epsilon - 5e-9) < 1e-20)
        #expect(scaling.factor == 2)
    }

    @Test func `refuses a batch that would make a beta negative`() throws {
        var recipe = Recipe()
        recipe.batch.scalesAdamBetas = true
        recipe.batch.gradientAccumulationSteps = 11
        recipe.batch.baseBatchSize = 1
        let error = #expect(throws: BatchScalingError.self) { try BatchScaling(recipe: recipe) }
        #expect(error?.description.contains("11 times base_batch_size") == true)
        #expect(error?.description.contains("past 10 times") == true)
    }

    @Test func `refuses to scale betas that the optimizer does not have`() {
        var recipe = Recipe()
        recipe.batch.scalesAdamBetas = true
        recipe.optimizer.kind = .sgd
        #expect(throws: BatchScalingError.notAdam(optimizer: "SGD", rule: "linear")) {
            try BatchScaling(recipe: recipe)
        }
    }
}
