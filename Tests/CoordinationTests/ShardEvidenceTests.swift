import Recipe
import Testing
import Wire

@testable import Coordination

@Suite struct `What is known of sums that go from worker to worker` {
    private let shards = [Shard(chunks: 0..<2, owner: WorkerID(1)), Shard(chunks: 2..<4, owner: WorkerID(2))]
    /// Of length 5 and 13: (3, 4) and (5, 12) in the two shards.
    private let terms: [(slots: Range<Int>, term: Round.Term)] = [
        (0..<2, Round.Term(worker: WorkerID(1), norm: 5)), (2..<4, Round.Term(worker: WorkerID(2), norm: 13)),
    ]

    private func contradiction(
        _ first: [Double] = [9, 25], _ second: [Double] = [16, 144], norms: [Double] = [7, 15],
        format: GradientFormat = .fp32
    ) -> String? {
        var evidence = ShardEvidence()
        evidence.add(first, by: 1)
        evidence.add(second, by: 2)
        evidence.norms = norms
        return evidence.contradiction(terms, shards, format: format)
    }

    @Test func `fits where all say what is so`() {
        #expect(contradiction() == nil)
        #expect(contradiction(norms: [8, 16]) == nil)
        #expect(contradiction([9, 25.001]) == nil)
    }

    @Test(arguments: [25.5, 24.5, 0, .infinity, .nan])
    func `does not fit where the parts of a sum are not as long as was stated`(square: Double) {
        #expect(contradiction([9, square])?.contains("worker 2 over slots 2 to 3 is not what it said") == true)
    }

    @Test(arguments: [8.1, .infinity, .nan])
    func `does not fit where a shard is longer than what went into it`(norm: Double) {
        #expect(contradiction(norms: [norm, 15])?.contains("shard that worker 1 added up is longer") == true)
    }

    @Test func `may be rounded where gradients are`() {
        #expect(contradiction([9, 26], norms: [10, 15], format: .int8) == nil)
        #expect(contradiction([9, 60], format: .int8) != nil)
        #expect(contradiction(norms: [13, 15], format: .bf16) != nil)
    }

    @Test func `is not all there before every owner and every shard has come`() {
        var evidence = ShardEvidence()
        evidence.add([9, 25], by: 1)
        evidence.norms = [7, 15]
        #expect(!evidence.isComplete(for: shards))
        evidence.add([16, 144], by: 2)
        #expect(evidence.isComplete(for: shards))
        #expect(evidence.contradiction(terms + terms, shards, format: .fp32) != nil)
    }
}
