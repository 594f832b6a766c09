import Recipe

/// Whether the next step's numbers go in fewer bytes, and what each way has cost.
///
/// Fewer bytes cost the processors time at both ends. That is well spent where a step waits for the network, and ill
/// where the network is faster than the processors, or busy processors are what a step waits for: so both ways are tried.
struct PackingChoice: Sendable {
    /// What one way costs: seconds of a step that were not spent computing.
    private struct Cost {
        private var moving = 0.0
        private(set) var steps = 0

        var mean: Double { moving / Double(steps) }

        mutating func add(_ seconds: Double) {
            moving += seconds
            steps += 1
        }
    }

    private let wish: Packing
    private(set) var isPacking: Bool {
        didSet { isSettled = isPacking == oldValue }
    }
    /// Whether the way has been gone for a step: the first one has more to move, or what was packed otherwise.
    private var isSettled = false
    private var plain = Cost()
    private var packed = Cost()
    /// Steps until the other way is tried again; nil while ways are tried.
    private var rest: Int?
    private var nextRest = shortestRest
    /// Whom and what the costs are of.
    private var circumstances: (sharded: Bool, workers: Int)?

    /// Steps of each way before they are compared.
    private static let trial = 3
    private static let shortestRest = 100
    private static let longestRest = 3_200
    /// Moving that takes less than this share of a step is left as it is.
    private static let negligible = 0.05
    /// Fewer bytes must save at least this share of it.
    private static let worthwhile = 0.03

    init(_ wish: Packing) {
        self.wish = wish
        isPacking = wish == .on
    }

    /// Takes in what a step cost.
    ///
    /// - Parameters:
    ///   - moving: seconds that it was held up by weights and sums on their way.
    ///   - seconds: of the whole step.
    /// - Returns: a sentence when the choice changes.
    mutating func measured(
        moving: Double, of seconds: Double, packed wasPacked: Bool, sharded: Bool, workers: Int
    ) -> String? {
        guard wish == .auto else { return nil }
        if let circumstances, circumstances != (sharded, workers) { self = PackingChoice(wish) }
        circumstances = (sharded, workers)
        guard wasPacked == isPacking else { return nil }
        guard isSettled else {
            isSettled = true
            return nil
        }
        if let rest {
            self.rest = rest > 1 ? rest - 1 : nil
            if rest == 1 { (plain, packed) = (Cost(), Cost()) }
            return nil
        }
        if wasPacked { packed.add(moving) } else { plain.add(moving) }
        return compare(negligible: Self.negligible * seconds)
    }

    private mutating func compare(negligible: Double) -> String? {
        let (hasPlain, hasPacked) = (plain.steps >= Self.trial, packed.steps >= Self.trial)
        guard hasPlain || hasPacked else { return nil }
        if hasPlain, !hasPacked {
            // The other way is not worth finding out about; the last steps count, not the first.
            if plain.mean < negligible { plain = Cost() } else { isPacking = true }
            return nil
        }
        if hasPacked, !hasPlain {
            isPacking = false
            return nil
        }
        isPacking = packed.mean < (1 - Self.worthwhile) * plain.mean
        rest = nextRest
        nextRest = min(2 * nextRest, Self.longestRest)
        let costs =
            "\(TopologyChoice.text(packed.mean)) a step in fewer bytes, \(TopologyChoice.text(plain.mean)) as they are"
        return
            "gradients and weights go \(isPacking ? "in fewer bytes, with the same bits" : "as they are"): moving them took "
            + costs
    }
}
