import Recipe
import Wire

/// Which way the next step's gradients go, and what each way has cost.
///
/// The model is that of a coordinator whose link is the narrowest: N workers move N·G in and N·G out in a star, and G
/// in and G out when they add up among themselves, so that a sharded step is predicted to cost a star's Nth part.
struct TopologyChoice: Sendable {
    let wish: Topology
    private(set) var isSharded = false
    /// Mean seconds that a step's weights and sums were on their way.
    private var star: Double?
    private var sharded: Double?
    private var starSteps = 0
    private var shardedSteps = 0
    private var failures = 0
    private var starUntil = Duration.zero

    private let memory = 0.3
    /// Steps of each way before they are compared.
    private let trial = 2
    /// A way that costs less than this share of the step is left as it is.
    private let negligible = 0.05

    init(_ wish: Topology) {
        self.wish = wish
        isSharded = wish == .sharded
    }

    /// Whether to shard the next step, where that is possible.
    func shards(at now: Duration) -> Bool { isSharded && now >= starUntil }

    /// Takes in what a step cost.
    ///
    /// - Parameters:
    ///   - moving: seconds that it was held up by weights and sums on their way.
    ///   - seconds: of the whole step.
    ///   - workers: that took part.
    ///   - canShard: whether they can meet.
    /// - Returns: a sentence when the choice changes.
    mutating func measured(
        moving: Double, of seconds: Double, sharded wasSharded: Bool, workers: Int, canShard: Bool
    ) -> String? {
        if wasSharded {
            sharded = sharded.map { $0 + memory * (moving - $0) } ?? moving
            shardedSteps += 1
        } else {
            star = star.map { $0 + memory * (moving - $0) } ?? moving
            starSteps += 1
        }
        guard wish == .auto else { return nil }
        if let sharded, let star, isSharded, shardedSteps >= trial, sharded > star {
            isSharded = false
            return "gradients go to the coordinator again: \(Self.text(star)) a step, where adding up among workers "
                + "took \(Self.text(sharded))"
        }
        if let star, !isSharded, sharded == nil, canShard, workers > 1, starSteps > trial, star > negligible * seconds {
            isSharded = true
            return "workers add up gradients among themselves now: \(Self.text(star / Double(workers))) a step is "
                + "predicted, where sending them to the coordinator took \(Self.text(star))"
        }
        return nil
    }

    /// Something went wrong among the workers: back to the star, longer each time.
    mutating func failed(at now: Duration) {
        starUntil = now + .seconds(30 << min(failures, 6))
        failures += 1
    }

    /// How long a sharded step may be on its way before the star takes over.
    func patience(bytes: Double, slowestLink: Double) -> Duration {
        let expected = (sharded ?? star).map { min(600, 20 * $0) } ?? bytes / slowestLink
        return .seconds(10 + expected)
    }

    static func text(_ seconds: Double) -> String {
        let milliseconds = Int((seconds * 1000).rounded())
        return "\(milliseconds) ms"
    }
}

/// Cuts `chunks` of the flat gradient among those whom all others can reach, evenly and in order.
///
/// - Parameters:
///   - members: who takes part, whether others can connect to it, and whom it has reached.
/// - Returns: nil when fewer than two can be owners.
func shards(
    of chunks: UInt32, among members: [(id: WorkerID, isOpen: Bool, reached: Set<WorkerID>)]
) -> [Shard]? {
    let owners = members.filter { owner in
        owner.isOpen && members.allSatisfy { $0.id == owner.id || $0.reached.contains(owner.id) }
    }
    let count = UInt32(min(owners.count, Int(chunks)))
    guard count >= 2, chunks <= Header.mostChunksInShards else { return nil }
    return (0..<count).map { index in
        Shard(chunks: index * chunks / count..<(index + 1) * chunks / count, owner: owners[Int(index)].id)
    }
}
