import Recipe
import Testing

@testable import Coordination

@Suite struct `Whether numbers go in fewer bytes` {
    /// Runs steps of a second, of which moving takes `plain` or `packed` seconds.
    private func run(
        _ choice: inout PackingChoice, _ steps: Int, plain: Double, packed: Double, workers: Int = 4
    ) -> (ways: [Bool], sentences: [String]) {
        var ways: [Bool] = []
        var sentences: [String] = []
        for _ in 0..<steps {
            ways.append(choice.isPacking)
            let moving = choice.isPacking ? packed : plain
            sentences += [
                choice.measured(
                    moving: moving, of: 1, packed: choice.isPacking, sharded: true, workers: workers)
            ].compactMap { $0 }
        }
        return (ways, sentences)
    }

    @Test func `is tried where moving is much of a step, and kept where it saves time`() {
        var choice = PackingChoice(.auto)
        let (ways, sentences) = run(&choice, 10, plain: 0.4, packed: 0.3)
        #expect(ways == [false, false, false, false, true, true, true, true, true, true])
        #expect(
            sentences == [
                "gradients and weights go in fewer bytes, with the same bits: moving them took 300 ms a step in fewer "
                    + "bytes, 400 ms as they are"
            ])
    }

    @Test func `ends where it costs time, or saves next to none`() {
        for packed in [0.5, 0.395] {
            var choice = PackingChoice(.auto)
            let (ways, sentences) = run(&choice, 10, plain: 0.4, packed: packed)
            #expect(ways == [false, false, false, false, true, true, true, true, false, false])
            #expect(sentences.count == 1)
        }
    }

    @Test func `is not tried where moving is next to nothing, until it is not`() {
        var choice = PackingChoice(.auto)
        #expect(!run(&choice, 50, plain: 0.04, packed: 0.01).ways.contains(true))
        #expect(run(&choice, 9, plain: 0.4, packed: 0.1).ways.contains(true))
    }

    @Test func `is looked at again after a while, ever more seldom`() {
        var choice = PackingChoice(.auto)
        _ = run(&choice, 8, plain: 0.4, packed: 0.3)
        #expect(!run(&choice, 100, plain: 0.4, packed: 0.3).ways.contains(false))
        // What was good is bad now.
        #expect(run(&choice, 7, plain: 0.2, packed: 0.3).ways == [true, true, true, false, false, false, false])
        #expect(!run(&choice, 200, plain: 0.2, packed: 0.3).ways.contains(true))
        let again = run(&choice, 8, plain: 0.2, packed: 0.3).ways
        #expect(again == [false, false, false, true, true, true, true, false])
        #expect(!run(&choice, 400, plain: 0.2, packed: 0.3).ways.contains(true))
    }

    @Test func `begins anew where there are more workers or fewer`() {
        var choice = PackingChoice(.auto)
        _ = run(&choice, 20, plain: 0.4, packed: 0.3)
        #expect(choice.isPacking)
        let (ways, _) = run(&choice, 6, plain: 0.2, packed: 0.3, workers: 5)
        #expect(ways == [true, false, false, false, false, true])
    }

    @Test func `is not judged by the first step, in which all weights come`() {
        var choice = PackingChoice(.auto)
        _ = run(&choice, 1, plain: 0.9, packed: 0.9)
        _ = run(&choice, 10, plain: 0.2, packed: 0.25)
        #expect(!choice.isPacking)
    }

    @Test func `is as the user wishes`() {
        for (wish, isPacking) in [(Packing.on, true), (.off, false)] {
            var choice = PackingChoice(wish)
            let (ways, sentences) = run(&choice, 20, plain: 0.4, packed: isPacking ? 9 : 0.1)
            #expect(ways.allSatisfy { $0 == isPacking } && sentences.isEmpty)
        }
    }
}
