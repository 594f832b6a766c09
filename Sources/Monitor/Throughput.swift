/// How fast steps are taken, smoothed over the last few.
package struct Throughput: Equatable, Sendable {
    /// The share of the newest step in the averages.
    private static let newest = 0.1
    private var seconds = 0.0
    private var samples = 0.0
    private var weight = 0.0

    package init() {}

    /// - Parameters:
    ///   - seconds: the step's own time.
    ///   - samples: the step's samples.
    package mutating func add(seconds: Double, samples: Int) {
        guard seconds.isFinite, seconds >= 0 else { return }
        self.seconds += Self.newest * (seconds - self.seconds)
        self.samples += Self.newest * (Double(samples) - self.samples)
        weight += Self.newest * (1 - weight)
    }

    /// Seconds that a step takes; nil before the first.
    package var secondsPerStep: Double? { weight > 0 ? seconds / weight : nil }

    /// Samples in a second; nil before the first step.
    package var samplesPerSecond: Double? { seconds > 0 ? samples / seconds : nil }
}
