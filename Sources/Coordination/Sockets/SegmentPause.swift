/// The moment for which a worker's segments of sums wait for the coordinator's word of what to add up.
///
/// That word is small, and would wait behind the segments in the queues of the links, some 20 ms at 1 Gbit, while the
/// owners of shards send on nothing. Where somebody is still computing the word comes later than the moment is long,
/// and then the moment costs nothing either: the step waits for that one.
struct SegmentPause {
    private static let moment = Duration.milliseconds(8)

    private(set) var isOn = false
    private var until: Duration?

    /// Segments are there to be sent.
    mutating func begin() { isOn = true }

    /// Whether they still wait.
    ///
    /// - Parameter isKnown: whether the word has come.
    mutating func holds(isKnown: Bool, at now: Duration) -> Bool {
        guard isOn else { return false }
        let until = self.until ?? now + Self.moment
        self.until = until
        if isKnown || now >= until { self = SegmentPause() }
        return isOn
    }
}
