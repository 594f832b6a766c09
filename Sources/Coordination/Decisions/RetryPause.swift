/// How long a worker waits before it asks again: longer each time, and never two of them alike.
struct RetryPause: Sendable {
    private let first: Duration
    private let longest: Duration
    private var next: Duration
    private var bits: UInt64

    /// - Parameter seed: differs from worker to worker, so that many do not come back at once.
    init(first: Duration, longest: Duration, seed: UInt64) {
        self.first = first
        self.longest = longest
        next = first
        bits = seed
    }

    mutating func take() -> Duration {
        defer { next = min(next * 2, longest) }
        return next * (1 + random() / 4)
    }

    mutating func reset() { next = first }

    /// Evenly between 0 and 1, the same for the same seed (SplitMix64).
    private mutating func random() -> Double {
        bits &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Double(mixed >> 11) * 0x1p-53
    }
}
