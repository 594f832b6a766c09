/// One line for each worker, in as many columns as fit: values in, text out.
struct WorkerTable {
    private enum Side { case left, right }

    private struct Column {
        var title: String
        var side: Side
        /// Columns of the terminal that it takes at least.
        var width: Int
        /// The first of two that do not both fit stays.
        var rank: Int
        var cell: (Standing.Worker) -> (String, ScreenLine.Emphasis)
    }

    let standing: Standing
    let terminal: Terminal
    private let columns: [Column]
    private let indent: Int

    /// - Parameter width: of all lines.
    init(_ standing: Standing, shown: [Standing.Worker], on terminal: Terminal, width: Int) {
        self.standing = standing
        self.terminal = terminal
        indent = width >= 40 ? 2 : 0
        var chosen: [(offset: Int, element: Column)] = []
        var left = width - indent
        let all = Self.all(unicode: terminal.unicode).enumerated()
        for column in all.sorted(by: { $0.element.rank < $1.element.rank }) {
            let needed = column.element.width + (chosen.isEmpty ? 0 : 1)
            guard needed <= left else { break }
            left -= needed
            chosen.append(column)
        }
        var columns = chosen.sorted { $0.offset < $1.offset }.map(\.element)
        // What is left over goes to names first, and then to devices.
        for title in ["worker", "device"] {
            guard let index = columns.firstIndex(where: { $0.title == title }) else { continue }
            let longest = shown.map { columns[index].cell($0).0.columns }.max() ?? 0
            let more = min(left, max(0, min(longest, 32) - columns[index].width))
            columns[index].width += more
            left -= more
        }
        self.columns = columns
    }

    private static func all(unicode: Bool) -> [Column] {
        let nothing = unicode ? "–" : "-"
        func part(_ title: String, rank: Int, _ of: @escaping (Standing.Worker.Split) -> Double) -> Column {
            Column(title: title, side: .right, width: 4, rank: rank) { worker in
                (worker.split.map { Figures.percent(of($0), of: $0.seconds) } ?? nothing, .plain)
            }
        }
        return [
            Column(title: "worker", side: .left, width: 8, rank: 0) { ($0.name.printable(unicode: unicode), .plain) },
            Column(title: "device", side: .left, width: 6, rank: 4) {
                ($0.device?.printable(unicode: unicode) ?? nothing, .plain)
            },
            Column(title: "state", side: .left, width: 10, rank: 1) { ($0.state.word, $0.state.emphasis) },
            Column(title: "share", side: .right, width: 5, rank: 5) {
                ($0.share.map { Figures.percent($0, of: 1) } ?? nothing, .plain)
            },
            Column(title: "images/s", side: .right, width: 8, rank: 2) {
                ($0.imagesPerSecond.map(Figures.significant) ?? nothing, .plain)
            },
            part("comp", rank: 6) { $0.compute }, part("comm", rank: 7) { $0.communicate },
            part("wait", rank: 8) { $0.wait },
            Column(title: "seen", side: .right, width: 6, rank: 3) {
                (Figures.age($0.lastSeen), $0.state == .silent ? .warning : .plain)
            },
            Column(title: "memory", side: .right, width: 8, rank: 9) {
                ($0.memory.map(Figures.size) ?? nothing, .plain)
            },
        ]
    }

    var heading: ScreenLine { line { ($0.title, .faint) } }

    func row(_ worker: Standing.Worker) -> ScreenLine { line { $0.cell(worker) } }

    private func line(_ cell: (Column) -> (String, ScreenLine.Emphasis)) -> ScreenLine {
        var line = ScreenLine(String(repeating: " ", count: indent))
        for (index, column) in columns.enumerated() {
            let (value, emphasis) = cell(column)
            let text = value.clippedInside(to: column.width, unicode: terminal.unicode)
            let space = String(repeating: " ", count: column.width - text.columns)
            if index > 0 { line = line + ScreenLine(" ") }
            // The end of a line needs no blanks.
            let isLast = index == columns.count - 1
            line =
                column.side == .right
                ? line + ScreenLine(space) + ScreenLine(text, emphasis)
                : line + ScreenLine(text, emphasis) + ScreenLine(isLast ? "" : space)
        }
        return line
    }
}

extension Standing.Worker.State {
    var word: String { self == .gettingWeights ? "weights" : rawValue }

    fileprivate var emphasis: ScreenLine.Emphasis {
        switch self {
        case .computing, .painting, .validating: .good
        case .silent, .leaving: .warning
        case .idle: .faint
        case .loading, .connecting, .gettingWeights: .plain
        }
    }

    /// Who wants to be looked at comes first.
    var urgency: Int {
        switch self {
        case .silent: 0
        case .leaving: 1
        case .loading, .connecting: 2
        case .gettingWeights, .computing, .painting, .validating, .idle: 3
        }
    }
}
