/// Draws a view at the bottom of a terminal over the one before, and lets lines pass above it.
///
/// It writes nothing; its answers are what is to be written, control sequences included. The cursor rests in the row below
/// the view, and nothing of the terminal's is changed: whenever the program ends, however it does, the terminal is clean.
package struct LiveScreen: Sendable {
    /// Columns of each line that stands.
    private var drawn: [Int] = []

    package init() {}

    /// What draws `lines`, none wider than the terminal, with `above` before them, to stay.
    ///
    /// - Parameter width: the terminal's columns now: where it is narrower than it was, lines that stand have been wrapped.
    package mutating func draw(
        _ lines: [ScreenLine], above: [ScreenLine] = [], width: Int, colour: Bool
    ) -> String {
        var text = back(width: width)
        for line in above + lines { text += line.text(colour: colour) + "\u{1B}[K\n" }
        drawn = lines.map(\.columns)
        return text + "\u{1B}[J"
    }

    /// What takes the view away.
    package mutating func clear(width: Int) -> String {
        guard !drawn.isEmpty else { return "" }
        defer { drawn = [] }
        return back(width: width) + "\u{1B}[J"
    }

    /// What stands stays where it is: somebody else has written below it.
    package mutating func letGo() { drawn = [] }

    /// From the row below the view to its first.
    private func back(width: Int) -> String {
        guard !drawn.isEmpty else { return "" }
        let rows = drawn.reduce(0) { $0 + max(1, ($1 + width - 1) / max(1, width)) }
        return "\r\u{1B}[\(rows)A"
    }
}
