/// What of a run is told, and how often: a pure function of what happened and when.
package struct NoticeRules: Sendable {
    /// The same of the same worker is told once in this time.
    static let interval = Duration.seconds(600)
    /// Of those about workers and numbers, so many in an hour.
    static let hourly = 20

    private var told: [String: Duration] = [:]
    private var recent: [Duration] = []

    package init() {}

    /// Whether this is to be told now.
    ///
    /// The end of a run always is.
    ///
    /// - Parameters:
    ///   - worker: whom it is about.
    ///   - now: a monotonic time.
    package mutating func isDue(_ event: Notice.Event, worker: String?, at now: Duration) -> Bool {
        guard event == .workerLost || event == .notANumber else { return true }
        let key = "\(event.rawValue) \(worker ?? "")"
        if let last = told[key], now - last < Self.interval { return false }
        recent.removeAll { now - $0 >= .seconds(3600) }
        guard recent.count < Self.hourly else { return false }
        recent.append(now)
        // Names are the workers' own; what is remembered of them is bounded.
        told = told.filter { now - $0.value < Self.interval }
        told[key] = now
        return true
    }
}
