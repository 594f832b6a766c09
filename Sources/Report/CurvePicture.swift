import Foundation
import Journal
import Monitor

/// A curve as SVG, in the page's own colours.
struct CurvePicture {
    let curve: Curve
    /// Steps at which the run was resumed: dotted lines.
    let resumed: [Int]

    private static let height = 220.0
    private static let (left, right, top, bottom) = (52.0, 14.0, 8.0, 24.0)
    /// About as many pixels as it gets on a screen, so that its letters are as large as others.
    private var width: Double { curve.isMain ? 960 : 460 }

    /// nil where nothing is known.
    var svg: String? {
        let lines = curve.known
        guard !lines.isEmpty else { return nil }
        let points = lines.flatMap(\.points)
        let across = Scale(
            points.map { Double($0.step) }, length: width - Self.left - Self.right, tight: true,
            count: curve.isMain ? 9 : 5)
        var values = lines.flatMap { line in
            line.points.flatMap { line.hasRange ? [$0.least, $0.most] : [$0.mean] }
        }
        if curve.hasZero { values.append(0) }
        let up = Scale(
            values, length: Self.height - Self.top - Self.bottom, logarithmic: curve.isLogarithmic)
        func x(_ step: Int) -> String { number(Self.left + across.place(Double(step))) }
        func y(_ value: Double) -> String { number(Self.height - Self.bottom - up.place(value)) }

        var svg = """
            <svg viewBox="0 0 \(number(width)) \(number(Self.height))" role="img" aria-label="\(ReportText.html(curve.title))">

            """
        for tick in up.ticks {
            svg +=
                "<line class=\"grid\" x1=\"\(number(Self.left))\" x2=\"\(number(width - Self.right))\" y1=\"\(y(tick))\" y2=\"\(y(tick))\"/>"
            svg +=
                "<text class=\"tick\" x=\"\(number(Self.left - 8))\" y=\"\(y(tick))\" dy=\"0.32em\" text-anchor=\"end\">\(Self.label(tick))</text>\n"
        }
        for tick in across.ticks where tick == tick.rounded() && tick >= 0 {
            svg +=
                "<text class=\"tick\" x=\"\(x(Int(tick)))\" y=\"\(number(Self.height - 8))\" text-anchor=\"middle\">\(Int(tick))</text>\n"
        }
        for step in resumed {
            svg +=
                "<line class=\"resumed\" x1=\"\(x(step))\" x2=\"\(x(step))\" y1=\"\(number(Self.top))\" y2=\"\(number(Self.height - Self.bottom))\"/>\n"
        }
        for (index, line) in lines.enumerated() {
            let points = line.points.filter { $0.mean.isFinite }
            if line.hasRange, points.contains(where: { $0.least < $0.most }) {
                let outline =
                    points.map { "\(x($0.step)),\(y($0.most))" }
                    + points.reversed().map { "\(x($0.step)),\(y($0.least))" }
                svg += "<polygon class=\"range c\(index)\" points=\"\(outline.joined(separator: " "))\"/>\n"
            }
            if points.count == 1 {
                svg +=
                    "<circle class=\"dot c\(index)\" cx=\"\(x(points[0].step))\" cy=\"\(y(points[0].mean))\" r=\"3\"/>\n"
            } else {
                let corners = points.map { "\(x($0.step)),\(y($0.mean))" }.joined(separator: " ")
                svg += "<polyline class=\"line c\(index)\(line.hasRange ? " raw" : "")\" points=\"\(corners)\"/>\n"
            }
        }
        return svg + "</svg>\n"
    }

    private func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : String(format: "%.1f", value)
    }

    private static func label(_ value: Double) -> String {
        // Sums of steps have a rounding error where there should be a nought.
        let value = abs(value) < 1e-15 ? 0 : value
        return value != 0 && (abs(value) < 0.01 || abs(value) >= 100_000)
            ? Figures.rate(value) : String(format: "%.4g", value)
    }
}
