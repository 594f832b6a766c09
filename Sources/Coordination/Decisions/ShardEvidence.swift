import Recipe
import Wire

/// What is known of a sharded step's sums without seeing them: what their makers state, what the owners of shards found in
/// them, and what came back.
///
/// A sum is accepted by the length that its maker states. Each owner measures its part of every sum, so that the parts
/// together must be as long as was stated; and no shard that comes back can be longer than its parts laid end to end. So
/// nobody, maker or owner, gets more into a step alone than what was judged when the sum was accepted.
struct ShardEvidence: Equatable, Sendable {
    /// Σ x² of each sum in a shard, by its owner.
    private var squares: [UInt32: [Double]] = [:]
    /// How long each shard of the step's sum is, as it came.
    var norms: [Double]?

    mutating func add(_ found: [Double], by owner: UInt32) { squares[owner] = found }

    func isComplete(for shards: [Shard]) -> Bool {
        norms?.count == shards.count && shards.allSatisfy { squares[$0.owner] != nil }
    }

    /// What does not fit, in words; nil when all of it does.
    ///
    /// - Parameters:
    ///   - terms: in the order in which the owners were told of them.
    func contradiction(
        _ terms: [(slots: Range<Int>, term: Round.Term)], _ shards: [Shard], format: GradientFormat
    ) -> String? {
        // Rounding that is undone at the other end loses a little; that of an owner may lengthen by a third.
        let (tolerance, stretch) = format == .fp32 ? (1e-4, 1.001) : (0.05, 1.5)
        let found = shards.map { squares[$0.owner] ?? [] }
        for (index, (slots, term)) in terms.enumerated() {
            let norm = found.reduce(0) { $0 + ($1.indices.contains(index) ? $1[index] : .nan) }.squareRoot()
            guard abs(norm - term.norm) <= tolerance * term.norm + 1e-20 else {
                return
                    "the sum of \(term.worker) over slots \(slots.lowerBound) to \(slots.upperBound - 1) is not what it "
                    + "said of it: others measured \(norm), it said \(term.norm)"
            }
        }
        for (shard, (norm, found)) in zip(shards, zip(norms ?? [], found)) {
            guard norm <= stretch * found.reduce(0, { $0 + $1.squareRoot() }) + 1e-20 else {
                return "the shard that \(WorkerID(shard.owner)) added up is longer than all that went into it"
            }
        }
        return nil
    }
}
