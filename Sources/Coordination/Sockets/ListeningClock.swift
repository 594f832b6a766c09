/// Time in which this process was listening.
///
/// Deadlines count only what could have been heard: while the optimizer writes files, or the machine sleeps, nobody
/// else grows silent. So one look at the clock advances it by a second at most.
struct ListeningClock {
    private let clock = ContinuousClock()
    private var last: ContinuousClock.Instant
    private(set) var now = Duration.zero

    init() {
        last = clock.now
    }

    mutating func advance() -> Duration {
        let instant = clock.now
        now += min(.seconds(1), instant - last)
        last = instant
        return now
    }
}
