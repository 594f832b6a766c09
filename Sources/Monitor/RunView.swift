/// How a run stands, on a terminal: a pure function of a ``Standing`` and what the terminal can.
package struct RunView: Sendable {
    private let standing: Standing
    private let terminal: Terminal

    package init(_ standing: Standing, on terminal: Terminal) {
        self.standing = standing
        self.terminal = terminal
    }

    /// A terminal wraps a line as soon as its last column is filled.
    private var width: Int { max(terminal.width - 1, 1) }

    // MARK: - What there is to say

    /// The view that is drawn over while a run goes on: what fits into the terminal with room for the cursor below.
    ///
    /// Bar, numbers and what is waited for come first, then workers; some rows are left for what happened last, which
    /// stands above.
    package var live: [ScreenLine] {
        let room = max(terminal.height - 1, 1)
        var lines = head(sentence: [brief])
        let above = terminal.height >= 16 ? min(6, terminal.height / 4) : 0
        let left = room - lines.count - above - 2
        if left > 0, !standing.workers.isEmpty { lines += [ScreenLine()] + table(rows: left) }
        let rest = room - lines.count - above
        lines += keptOut.prefix(max(0, min(3, rest)))
        return lines.prefix(room).map { $0.clipped(to: width, unicode: terminal.unicode) }
    }

    /// All that is known, however many rows it takes: what `danlu status` prints.
    package var whole: [ScreenLine] {
        let sentence = standing.sentence.printable(unicode: terminal.unicode).lines(of: width - 2, indent: 2)
        var lines = head(sentence: sentence.map { ScreenLine("  " + $0) })
        if !standing.workers.isEmpty { lines += [ScreenLine()] + table(rows: 200) }
        lines += keptOut.prefix(200)
        if !standing.events.isEmpty { lines += [ScreenLine()] + standing.events.flatMap { happened($0) } }
        return lines.map { $0.clipped(to: width, unicode: terminal.unicode) }
    }

    /// An event, with the time of day before it.
    package func happened(_ event: Standing.Event) -> [ScreenLine] {
        let clock = Figures.timeOfDay(event.time)
        let isNarrow = width < 40
        let margin = isNarrow ? 2 : clock.count + 4
        let lines = event.sentence.printable(unicode: terminal.unicode).lines(of: max(1, width - margin))
        return lines.enumerated().map { index, text in
            let first = isNarrow ? ScreenLine("  ") : ScreenLine("  ") + ScreenLine(clock, .faint) + ScreenLine("  ")
            return (index == 0 ? first : ScreenLine(String(repeating: " ", count: margin))) + ScreenLine(text)
        }
    }

    // MARK: - The head

    private func head(sentence: [ScreenLine]) -> [ScreenLine] { [bar, numbers] + sentence }

    private var bar: ScreenLine {
        let total = standing.totalSteps
        let share = total > 0 ? min(max(Double(standing.step) / Double(total), 0), 1) : 0
        let percent = "\(Int(share * 100))%"
        let left = String(repeating: " ", count: max(0, 5 - percent.count)) + percent
        var facts = ["\(standing.step)/\(total)"]
        if let epoch = standing.epoch, let epochs = standing.epochs { facts.append("epoch \(epoch)/\(epochs)") }
        facts.append("\(Figures.clock(standing.secondsLeft)) left")
        let text = Self.fitting(facts, width: width - left.count - 1)
        let room = width - left.count - text.count - 3
        guard room >= 6 else { return ScreenLine(left + " " + text) }
        let length = min(room, 60)
        let (done, open) = Self.drawn(share, width: length, unicode: terminal.unicode)
        return ScreenLine(left + " ") + ScreenLine(done, .strong) + ScreenLine(open, .faint) + ScreenLine("  " + text)
    }

    private static func drawn(_ share: Double, width: Int, unicode: Bool) -> (done: String, open: String) {
        guard unicode else {
            let filled = Int(share * Double(width - 2))
            let open = String(repeating: ".", count: width - 2 - filled) + "]"
            return ("[" + String(repeating: "#", count: filled), open)
        }
        let halves = Int(share * Double(width * 2))
        let filled = String(repeating: "━", count: halves / 2) + (halves % 2 == 1 ? "╸" : "")
        return (filled, String(repeating: "─", count: width - filled.count))
    }

    private var numbers: ScreenLine {
        var facts: [String] = []
        if let loss = standing.loss { facts.append("loss \(Figures.loss(loss))") }
        if let average = standing.averageLoss { facts.append("avr_loss \(Figures.loss(average))") }
        if let loss = standing.validationLoss { facts.append("val_loss \(Figures.loss(loss))") }
        if let seconds = standing.secondsPerStep { facts.append(Figures.speed(secondsPerStep: seconds)) }
        if let speed = standing.imagesPerSecond { facts.append("\(Figures.significant(speed)) images/s") }
        if !standing.learningRates.isEmpty {
            facts.append("lr \(ProgressLine.rates(standing.learningRates).printable(unicode: terminal.unicode))")
        }
        if let norm = standing.gradientNorm { facts.append("norm \(Figures.significant(norm))") }
        if let noise = standing.noiseScale { facts.append("noise scale \(Figures.significant(noise))") }
        if let batch = standing.effectiveBatch { facts.append("batch \(batch)") }
        if facts.isEmpty { facts = ["no step yet"] }
        return ScreenLine("  " + Self.fitting(facts, width: width - 2))
    }

    /// The whole sentence where it fits in a line, else the shorter one.
    private var brief: ScreenLine {
        let whole = standing.sentence.printable(unicode: terminal.unicode)
        let text = whole.columns <= width - 2 ? whole : standing.brief.printable(unicode: terminal.unicode)
        let isLate = standing.workers.contains { $0.state == .silent }
        return ScreenLine("  ") + ScreenLine(text, isLate ? .warning : .plain)
    }

    /// As many of `facts`, from the first, as fit into `width` columns; one at least.
    private static func fitting(_ facts: [String], width: Int) -> String {
        var text = ""
        for fact in facts {
            let longer = text.isEmpty ? fact : text + "  " + fact
            guard longer.count <= width || text.isEmpty else { break }
            text = longer
        }
        return text
    }

    // MARK: - The workers

    /// The heading and at most `rows` lines.
    private func table(rows: Int) -> [ScreenLine] {
        let workers = standing.workers
        let hasAll = workers.count <= rows
        var shown = workers
        if !hasAll {
            let urgent = workers.enumerated().sorted {
                ($0.element.state.urgency, $0.offset) < ($1.element.state.urgency, $1.offset)
            }
            shown = urgent.prefix(max(0, rows - 1)).sorted { $0.offset < $1.offset }.map(\.element)
        }
        let table = WorkerTable(standing, shown: shown, on: terminal, width: width)
        var lines = [table.heading] + shown.map { table.row($0) }
        if !hasAll { lines.append(others(workers.count - shown.count)) }
        return lines
    }

    /// `9,985 others` of 10,000, and what all of them do.
    private func others(_ count: Int) -> ScreenLine {
        var counts: [Standing.Worker.State: Int] = [:]
        for worker in standing.workers { counts[worker.state, default: 0] += 1 }
        let states = Standing.Worker.State.allCases.compactMap { state in
            counts[state].map { "\(Figures.grouped($0)) \(state.word)" }
        }
        let all = "of \(Figures.grouped(standing.workers.count)): \(states.joined(separator: ", "))"
        return ScreenLine("  and \(Figures.grouped(count)) other\(count == 1 ? "" : "s"); \(all)", .faint)
    }

    private var keptOut: [ScreenLine] {
        standing.keptOut.map { worker in
            let text = "kept out for \(Figures.clock(worker.seconds)): \(worker.name), \(worker.reason)"
            return ScreenLine("  ") + ScreenLine(text.printable(unicode: terminal.unicode), .warning)
        }
    }
}
