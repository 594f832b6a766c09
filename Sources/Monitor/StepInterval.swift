/// Decides which steps are said in a file or pipe: the first, the last, and one whenever some time has passed.
package struct StepInterval: Sendable {
    private let interval: Duration
    private var said: Duration?

    /// - Parameter interval: the least time between two.
    package init(_ interval: Duration = .seconds(10)) {
        self.interval = interval
    }

    /// Whether this step is to be said.
    ///
    /// - Parameter now: a monotonic time.
    package mutating func isDue(_ report: StepReport, at now: Duration) -> Bool {
        if let said, now - said < interval, report.step < report.totalSteps { return false }
        said = now
        return true
    }
}
