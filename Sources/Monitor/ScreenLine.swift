/// A line for a terminal: pieces of printable text, each with its emphasis.
package struct ScreenLine: Equatable, Sendable {
    /// How a piece is meant to look, where the terminal can.
    package enum Emphasis: Sendable {
        case plain, faint, strong, good, warning

        /// ECMA-48, SGR.
        fileprivate var code: String? {
            switch self {
            case .plain: nil
            case .faint: "2"
            case .strong: "1"
            case .good: "32"
            case .warning: "33"
            }
        }
    }

    private var pieces: [(text: String, emphasis: Emphasis)]

    package init(_ text: String = "", _ emphasis: Emphasis = .plain) {
        pieces = text.isEmpty ? [] : [(text, emphasis)]
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.pieces.elementsEqual(b.pieces) { $0.text == $1.text && $0.emphasis == $1.emphasis }
    }

    package static func + (a: Self, b: Self) -> Self {
        var sum = a
        sum.pieces += b.pieces
        return sum
    }

    /// Without any emphasis.
    package var plain: String { pieces.map(\.text).joined() }
    package var columns: Int { pieces.reduce(0) { $0 + $1.text.columns } }

    /// The line with its emphasis as control sequences, which are all ended.
    package func text(colour: Bool) -> String {
        guard colour else { return plain }
        return pieces.map { piece in
            piece.emphasis.code.map { "\u{1B}[\($0)m\(piece.text)\u{1B}[0m" } ?? piece.text
        }.joined()
    }

    /// Not wider than `width`.
    package func clipped(to width: Int, unicode: Bool) -> ScreenLine {
        guard columns > width else { return self }
        var line = ScreenLine()
        for piece in pieces {
            let left = width - line.columns
            guard left > 0 else { break }
            line.pieces.append((piece.text.clipped(to: left, unicode: unicode), piece.emphasis))
        }
        return line
    }
}
