import Evaluation
import Foundation
import FoundationXML
import Testing

@Suite struct `An evaluation's report` {
    private func entry(
        _ file: String, fidelity: Double, ease: Double?, generality: Double, empty: Double = 0.1
    ) -> EvaluationReport.Entry {
        var qualities = Qualities(
            base: [:], losses: [:], called: 0, uncalled: 0, obedience: generality, byWeight: [], company: nil)
        qualities.fidelity = fidelity
        qualities.ease = ease
        qualities.generality = generality
        qualities.reached = ease.map { ["empty": empty, "trigger": $0, "trigger+1": $0, "caption": 1] } ?? [:]
        return EvaluationReport.Entry(file: file, tensors: "", qualities: qualities, overall: 0)
    }

    private func report(_ entries: [EvaluationReport.Entry]) -> EvaluationReport {
        EvaluationReport(
            base: BaseFigures(losses: ["empty": 0.2, "trigger": 0.2, "trigger+1": 0.2, "caption": 0.2]), model: "m",
            pictures: 2, timesteps: [100, 300], triggers: ["horse"], weight: 1, entries: entries)
    }

    @Test func `has each quality by its formula`() {
        let base = ["empty": 0.3, "trigger": 0.4, "trigger+1": 0.3, "caption": 0.2]
        let losses = ["empty": 0.4, "trigger": 0.375, "trigger+1": 0.1, "caption": 0.15]
        let weights = [(0.4, 0.02), (1.0, 0.05), (1.2, -0.01)].map { Qualities.WeightFall(weight: $0.0, fall: $0.1) }
        let found = Qualities(
            base: base, losses: losses, called: 0.1, uncalled: 0.05, obedience: 0.5, byWeight: weights, company: 0.9)
        func near(_ a: Double?, _ b: Double) -> Bool { abs((a ?? .nan) - b) < 1e-12 }
        #expect(near(found.fidelity, 0.25))
        #expect(near(found.reached["trigger"], 0.5) && near(found.reached["trigger+1"], 4))
        #expect(near(found.reached["empty"], -2) && near(found.reached["caption"], 1))
        // 4 counts as 1.
        #expect(near(found.ease, 0.75))
        #expect(near(found.stillness, 0.8))
        #expect(near(found.steadiness, (0.4 + 1 + 0) / 3))
        #expect(near(found.generality, (0.8 + 0.5 + 1.4 / 3 + 0.9) / 4))
    }

    @Test func `says which file to keep, and why`() {
        let early = entry("run/cat-000001.safetensors", fidelity: 0.1, ease: 0.9, generality: 0.9)
        let middle = entry("run/cat-000002.safetensors", fidelity: 0.2, ease: 0.8, generality: 0.8)
        let late = entry("run/cat.safetensors", fidelity: 0.21, ease: 0.8, generality: 0.3)
        let report = report([early, middle, late])
        // (0.2 / 0.21 · 0.8 · 0.8)^⅓ = 0.848; (0.1 / 0.21 · 0.81)^⅓ = 0.728; (0.24)^⅓ = 0.621.
        #expect(report.loras.map { ($0.overall * 1000).rounded() } == [728, 848, 621])
        #expect(
            report.advice
                == "Keep run/cat-000002.safetensors: 95 % of the highest fidelity, ease 0.80, generality 0.80, overall "
                + "0.85; next is run/cat-000001.safetensors with 0.73.")
    }

    @Test func `says that two are alike, that none is worth keeping, and what one lacks`() {
        let a = entry("a", fidelity: 0.2, ease: 0.8, generality: 0.8)
        let b = entry("b", fidelity: 0.2, ease: 0.8, generality: 0.801)
        #expect(report([a, b]).advice.contains("a is as good"))
        let nothing = entry("c", fidelity: -0.1, ease: nil, generality: 1)
        #expect(report([nothing, nothing]).advice.hasPrefix("Keep none of them"))
        #expect(report([nothing]).advice.contains("has not learned its pictures"))
        #expect(report([entry("d", fidelity: 0.2, ease: 0.3, generality: 0.9)]).advice.contains("hard to call"))
        #expect(report([entry("d", fidelity: 0.2, ease: 0.9, generality: 0.3)]).advice.contains("what it should not"))
        #expect(
            report([entry("d", fidelity: 0.2, ease: 0.9, generality: 0.9, empty: 0.9)]).advice.contains("every picture")
        )
    }

    @Test func `is a table with a row for each file, by whole paths where names are the same`() {
        let text = report([
            entry("x/cat.safetensors", fidelity: 0.2, ease: 0.8, generality: 0.8),
            entry("y/cat.safetensors", fidelity: -0.1, ease: nil, generality: 1),
        ]).table
        #expect(text.contains("\nx/cat.safetensors      0.20  0.80        0.80"))
        #expect(text.contains("\ny/cat.safetensors     -0.10     –        1.00     0.00"))
        #expect(text.contains("trigger+1"))
    }

    @Test func `is a picture that any reader of SVG opens, whatever the files are called`() throws {
        let svg = EvaluationChart(
            report([entry("<script>&\"\u{1}.safetensors", fidelity: 0.2, ease: nil, generality: 2)])
        ).svg
        let parser = XMLParser(data: Data(svg.utf8))
        #expect(parser.parse())
        #expect(!svg.contains("<script"))
        #expect(svg.contains("width=\"400\" height=\"12\""))
    }
}
