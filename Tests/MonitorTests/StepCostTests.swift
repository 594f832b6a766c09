import Monitor
import Testing

@Suite struct `The cost of the cluster` {
    @Test func `is the step less what the busiest worker computed`() throws {
        var cost = StepCost()
        #expect(cost.sentence == nil)
        cost.add(
            seconds: 4, optimizer: 0.5,
            workers: [
                .init(broadcast: 0.25, compute: 3, send: 0.25, wait: 0),
                .init(broadcast: 0.25, compute: 1, send: 0.25, wait: 2),
            ])
        #expect(cost.share == 0.25)
        cost.add(seconds: 6, optimizer: 0.5, workers: [.init(broadcast: 0.5, compute: 5, send: 0, wait: 0)])
        #expect(cost.share == 0.2)
        let sentence = try #require(cost.sentence)
        #expect(sentence.contains("1.00 s of a step's 5.00 s (20.0 %)"))
        #expect(sentence.contains("3.50 s went into computing, 0.375 s into getting weights"))
        #expect(sentence.contains("0.125 s into sending sums, 0.500 s into waiting for others"))
        #expect(sentence.contains("0.500 s into the optimizer"))
    }

    @Test func `is nothing where nobody computed`() {
        var cost = StepCost()
        cost.add(seconds: 4, optimizer: 0.5, workers: [])
        #expect(cost.share == nil)
    }
}
