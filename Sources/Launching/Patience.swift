/// When a box is tried again.
struct Patience: Equatable {
    /// A worker that lived this long did not fail at its start.
    static let settled = Duration.seconds(60)
    /// Starts in a row that failed, after which a worker is left alone.
    static let limit = 3
    static let longestPause = Duration.seconds(60)

    private var pause = Duration.seconds(2)
    private var failures = 0

    /// - Parameter lived: how long the worker ran; zero where it was not started.
    /// - Returns: how long to wait before the next try; nil where there is none.
    mutating func pause(lived: Duration, hope: BoxFailure.Hope) -> Duration? {
        if lived >= Self.settled { self = Patience() }
        switch hope {
        case .none: return nil
        case .anotherStart:
            failures += 1
            if failures >= Self.limit { return nil }
        case .connection: break
        }
        defer { pause = min(pause * 2, Self.longestPause) }
        return pause
    }
}
