/// Time in which this process was listening.
///
/// Deadlines count only what could have been heard: while the optimizer writes files, or the machine sleeps, nobody
/// else grows silent. So one look at the clock advances it by a second at most.
struct ListeningClock {
    private let read: () -> ContinuousClock.Instant
    private var last: ContinuousClock.Instant
    private(set) var now = Duration.zero

    /// - Parameter read: tells what time it is.
    init(reading read: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.read = read
        last = read()
    }

    mutating func advance() -> Duration {
        let instant = read()
        now += min(.seconds(1), instant - last)
        last = instant
        return now
    }
}
