/// A report as bars, three for each file, in SVG.
package struct EvaluationChart: Sendable {
    private let report: EvaluationReport

    package init(_ report: EvaluationReport) {
        self.report = report
    }

    private static let barHeight = 14
    private static let gap = 18
    private static let left = 230
    private static let length = 400
    private static let colours = ["#c0392b", "#e0a030", "#2e7d6b"]

    /// The picture; text in it is escaped.
    package var svg: String {
        let rowHeight = 3 * Self.barHeight + Self.gap
        let height = 60 + report.loras.count * rowHeight + 40
        let width = Self.left + Self.length + 80
        var lines = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)" \
            font-family="sans-serif" font-size="12">
            """,
            ##"<rect width="100%" height="100%" fill="#ffffff"/>"##,
        ]
        for (index, name) in ["fidelity (of the highest)", "ease of calling", "generality"].enumerated() {
            let x = 20 + index * 200
            lines.append(#"<rect x="\#(x)" y="18" width="12" height="12" fill="\#(Self.colours[index])"/>"#)
            lines.append(#"<text x="\#(x + 18)" y="28">\#(name)</text>"#)
        }
        let top = 50
        for tenth in stride(from: 0, through: 10, by: 2) {
            let x = Self.left + Self.length * tenth / 10
            let bottom = top + report.loras.count * rowHeight
            lines.append(##"<line x1="\##(x)" y1="\##(top)" x2="\##(x)" y2="\##(bottom)" stroke="#dddddd"/>"##)
            lines.append(
                #"<text x="\#(x)" y="\#(bottom + 16)" text-anchor="middle">\#(fixed(Double(tenth) / 10, digits: 1))</text>"#
            )
        }
        let highest = report.loras.map(\.qualities.fidelity).max() ?? 0
        for (row, entry) in report.loras.enumerated() {
            let y = top + row * rowHeight + Self.gap / 2
            let qualities = entry.qualities
            lines.append(
                #"<text x="\#(Self.left - 10)" y="\#(y + 2 * Self.barHeight)" text-anchor="end">"#
                    + "\(Self.escaped(Self.short(report.name(of: entry))))</text>")
            let share = highest > 0 ? max(0, qualities.fidelity) / highest : 0
            let bars = [
                (share, two(qualities.fidelity)), (qualities.ease ?? 0, qualities.ease.map(two) ?? "–"),
                (qualities.generality, two(qualities.generality)),
            ]
            for (index, bar) in bars.enumerated() {
                let barY = y + index * Self.barHeight
                let length = Int(Double(Self.length) * min(1, max(0, bar.0)))
                lines.append(
                    """
                    <rect x="\(Self.left)" y="\(barY)" width="\(length)" height="\(Self.barHeight - 2)" \
                    fill="\(Self.colours[index])"/>
                    """)
                lines.append(#"<text x="\#(Self.left + length + 6)" y="\#(barY + 11)">\#(bar.1)</text>"#)
            }
        }
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    /// The end of a long name tells epochs apart.
    private static func short(_ name: String) -> String { name.count <= 32 ? name : "…" + name.suffix(31) }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, letter in
            switch letter {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case _ where letter.unicodeScalars.contains { $0.value < 0x20 }: escaped += " "
            default: escaped.append(letter)
            }
        }
    }
}
