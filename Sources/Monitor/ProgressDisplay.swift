/// Decides when a step is shown and how: a bar that is drawn over on a terminal, lines now and then in a pipe or file.
///
/// It writes nothing; its answers are what is to be written, control codes and newlines included.
package struct ProgressDisplay: Sendable {
    package enum Style: Equatable, Sendable {
        /// Two lines at the bottom of a terminal.
        case bar(unicode: Bool)
        /// A line on the first step, on the last, and whenever the interval has passed.
        case lines
    }

    private let style: Style
    private let interval: Duration
    private var throughput = Throughput()
    private var lastShown: Duration?
    private var drawnLines: [String] = []

    /// - Parameter interval: the least time between two showings; nil is a tenth of a second for a bar and ten seconds
    ///   for lines.
    package init(style: Style, interval: Duration? = nil) {
        self.style = style
        self.interval = interval ?? (style == .lines ? .seconds(10) : .milliseconds(100))
    }

    /// Takes a report, and answers what is to be written now, if anything.
    ///
    /// - Parameters:
    ///   - now: a monotonic time.
    ///   - width: the terminal's columns at this moment.
    package mutating func show(_ report: StepReport, at now: Duration, width: Int = 80) -> String? {
        throughput.add(seconds: report.seconds, samples: report.samples)
        let isLast = report.step >= report.totalSteps
        if let lastShown, now - lastShown < interval, !isLast { return nil }
        lastShown = now
        switch style {
        case .lines:
            return ProgressLine.plain(report, throughput: throughput) + "\n"
        case .bar(let unicode):
            let before = back()
            // A terminal wraps a line as soon as its last column is filled.
            drawnLines = ProgressLine.bar(report, throughput: throughput, width: max(width - 1, 1), unicode: unicode)
            return before + drawing() + (isLast ? finish() : "")
        }
    }

    /// What writes `text`, a line or several, above the bar.
    package mutating func message(_ text: String) -> String {
        let line = text.hasSuffix("\n") ? text : text + "\n"
        guard !drawnLines.isEmpty else { return line }
        return back() + "\u{1B}[J" + line + drawing()
    }

    /// What leaves the bar where it stands, so that others may write below it.
    package mutating func finish() -> String {
        defer { drawnLines = [] }
        return drawnLines.isEmpty ? "" : "\n"
    }

    /// From the end of the bar to its beginning.
    private func back() -> String {
        drawnLines.isEmpty ? "" : "\r" + (drawnLines.count > 1 ? "\u{1B}[\(drawnLines.count - 1)A" : "")
    }

    private func drawing() -> String {
        drawnLines.map { $0 + "\u{1B}[K" }.joined(separator: "\n")
    }
}
