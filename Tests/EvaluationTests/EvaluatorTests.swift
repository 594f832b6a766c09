import Adapters
import Evaluation
import Foundation
import Recipe
import Testing
import Training

@Suite(.serialized) struct `A LoRA` {
    private let forge: DemoForge

    init() throws { forge = try DemoForge() }

    private func qualities(_ weights: [Float], _ change: (inout EvaluationSettings) -> Void = { _ in }) throws
        -> Qualities
    {
        let file = try forge.file(weights)
        return try forge.evaluator(change).qualities(of: file.lora)
    }

    @Test func `of zeros has no fidelity and full generality`() throws {
        let count = try forge.checkpoint.shapeTable(for: forge.recipe.network).count
        let found = try qualities([Float](repeating: 0, count: count))
        #expect(found.fidelity == 0 && found.ease == nil && found.generality == 1)
        #expect(found.movedWhenCalled == 0 && found.movedUncalled == 0)
        #expect(found.stillness == 1 && found.obedience == 1 && found.steadiness == nil && found.company == nil)
        #expect(found.byWeight.allSatisfy { $0.fall == 0 } && found.reached.isEmpty)
    }

    @Test func `that was trained has fidelity, and is called by its trigger rather than by nothing`() throws {
        let found = try qualities(DemoForge.weightsWithCaptions())
        let trigger = try #require(found.reached["trigger"])
        let empty = try #require(found.reached["empty"])
        #expect(found.fidelity > 0.03 && found.fidelity < 1)
        #expect(trigger > 0.2 && trigger > empty)
        #expect(found.reached["caption"] == 1)
        #expect(try #require(found.ease) > 0.2 && found.generality < 1 && found.generality > 0.3)
    }

    @Test func `that was trained without captions does as much uncalled, and moves more of the rest`() throws {
        let (with, without) = try (
            qualities(DemoForge.weightsWithCaptions()), qualities(DemoForge.weightsWithoutCaptions())
        )
        #expect(without.fidelity > 0)
        #expect(try #require(without.reached["empty"]) > #require(with.reached["empty"]))
        #expect(
            without.movedUncalled / without.movedWhenCalled > with.movedUncalled / with.movedWhenCalled)
    }

    @Test func `at twice the weight moves more, called and uncalled`() throws {
        let weights = try DemoForge.weightsWithCaptions()
        let (once, twice) = try (qualities(weights), qualities(weights) { $0.weight = 2 })
        #expect(twice.movedWhenCalled > 2 * once.movedWhenCalled)
        #expect(twice.movedUncalled > 2 * once.movedUncalled)
        #expect(twice.stillness < once.stillness)
    }

    @Test func `beside one of zeros is alone, beside itself is not`() throws {
        let file = try forge.file(DemoForge.weightsWithCaptions())
        let count = try DemoForge.weightsWithCaptions().count
        let zeros = try forge.file([Float](repeating: 0, count: count))
        let evaluator = try forge.evaluator()
        let alone = try evaluator.qualities(of: file.lora, beside: (zeros.lora, 1))
        #expect(try #require(alone.company) > 0.999)
        let twice = try evaluator.qualities(of: file.lora, beside: (file.lora, 1))
        #expect(try #require(twice.company) < 0.99)
    }

    @Test func `gives the same bytes of JSON every time`() throws {
        let file = try forge.file(DemoForge.weightsWithCaptions())
        let reports = try (0..<2).map { _ in
            let evaluator = try forge.evaluator()
            let report = EvaluationReport(
                evaluator, model: "demo", weight: 1,
                measured: [("a.safetensors", file.lora.tensorDataHash, try evaluator.qualities(of: file.lora))])
            return try report.json
        }
        #expect(reports[0] == reports[1])
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let read = try decoder.decode(EvaluationReport.self, from: Data(reports[0].utf8))
        #expect(read.loras.map(\.file) == ["a.safetensors"])
    }

    @Test func `of another architecture is refused by name`() throws {
        let file = try LoRAFile(path: DemoForge.otherArchitecture)
        let evaluator = try forge.evaluator()
        let error = #expect(throws: AdapterError.self) { try evaluator.qualities(of: file) }
        #expect("\(try #require(error))".contains(DemoForge.otherArchitecture))
    }

    @Test func `is asked for only with words and numbers that can be used`() throws {
        #expect(throws: EvaluationError.outOfRange(option: "--timesteps", value: "0", allowed: "1...200")) {
            try forge.evaluator { $0.timesteps = 0 }
        }
        #expect(throws: EvaluationError.noPrompts(kind: "unrelated prompts", option: "--unrelated")) {
            try forge.evaluator { $0.unrelated = [] }
        }
        #expect(throws: EvaluationError.noPrompts(kind: "held-out words", option: "--held-out")) {
            try forge.evaluator { $0.heldOut = [] }
        }
    }
}
