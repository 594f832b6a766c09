import Testing

@testable import Monitor

@Suite struct `Advice from the noise scale` {
    private func said(_ scales: [Double?], batch: Int = 8) -> [(step: Int, sentence: String)] {
        var advice = NoiseAdvice()
        return scales.enumerated().compactMap { step, scale in
            advice.heed(noiseScale: scale, batch: batch).map { (step, $0) }
        }
    }

    @Test func `knows what twice the batch saves`() {
        // S_min(1 + B/B) steps at the noise scale itself, S_min(1 + 1/2) at twice that: a quarter fewer.
        #expect(NoiseAdvice.saving(noiseScale: 8, batch: 8) == 0.25)
        #expect(NoiseAdvice.saving(noiseScale: 16, batch: 8) == 1.0 / 3)
        #expect(abs(NoiseAdvice.saving(noiseScale: 2, batch: 8) - 0.1) < 1e-12)
        #expect(NoiseAdvice.saving(noiseScale: 1e12, batch: 1) <= 0.5)
    }

    @Test(arguments: [
        (80.0, "about 45 % of the steps; more boxes would still buy fewer steps"),
        (8.0, "about 25 % of the steps; more boxes would buy some fewer steps, each box less"),
        (0.8, "about 5 % of the steps; more boxes would hardly buy fewer steps; they only make each step faster"),
    ])
    func `says whether more boxes would buy fewer steps, once the averages have settled`(
        scale: Double, end: String
    ) throws {
        let words = said([Double?](repeating: scale, count: 300))
        let steps = words.map(\.step)
        #expect(steps == [49])
        let first = try #require(words.first)
        #expect(first.sentence.hasPrefix("gradient noise scale ") && first.sentence.hasSuffix(end))
        #expect(first.sentence.contains("effective batch 8:"))
    }

    @Test func `says so again when it changes for good, and now and then`() {
        let flicker = (0..<100).map { $0 % 10 == 0 ? 1.0 : 80.0 }
        let change = [Double?](repeating: 80, count: 100) + flicker + [Double?](repeating: 1, count: 30)
        let changed = said(change).map(\.step)
        #expect(changed == [49, 219])
        let steady = said([Double?](repeating: 80, count: 2100)).map(\.step)
        #expect(steady == [49, 1049, 2049])
    }

    @Test func `says nothing of what is not known`() {
        let unknown = said([nil, 0, -1, .nan, .infinity] + [Double?](repeating: nil, count: 300)).count
        #expect(unknown == 0)
        let young = said([Double?](repeating: 80, count: 49)).count
        #expect(young == 0)
    }
}
