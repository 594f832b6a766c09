import Foundation
import Journal

/// Who was in when: a bar for each stay of each worker, and a line wherever a coordinator was started.
struct MembershipPicture {
    let stays: [JournalReader.Stay]
    let lives: [JournalReader.Life]
    /// When the last thing happened.
    let end: Date

    private static let rowLimit = 40
    private static let (width, left, row) = (720.0, 150.0, 20.0)

    /// Names in the order of their first stay.
    var names: [String] {
        var seen: Set<String> = []
        return stays.map(\.worker).filter { seen.insert($0).inserted }
    }

    /// nil where nobody was in.
    var svg: String? {
        guard let begin = (stays.map(\.joined) + lives.map(\.began)).min(), !stays.isEmpty else { return nil }
        let shown = names.prefix(Self.rowLimit)
        let height = Self.row * Double(shown.count) + 24
        let length = max(end.timeIntervalSince(begin), 1e-3)
        func x(_ date: Date) -> Double {
            Self.left + (Self.width - Self.left - 8) * min(max(date.timeIntervalSince(begin) / length, 0), 1)
        }
        var svg = "<svg viewBox=\"0 0 720 \(Int(height))\" role=\"img\" aria-label=\"Who was in when\">\n"
        for (number, name) in shown.enumerated() {
            let y = Self.row * Double(number) + 4
            let short = name.count > 20 ? name.prefix(19) + "…" : name[...]
            svg +=
                "<text class=\"name\" x=\"\(Self.left - 8)\" y=\"\(y + 11)\" text-anchor=\"end\">\(ReportText.html(String(short)))</text>"
            for stay in stays where stay.worker == name {
                let (from, to) = (x(stay.joined), x(stay.left ?? end))
                svg += String(
                    format: "<rect class=\"stay\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\" rx=\"3\"/>", from,
                    y + 1, max(2, to - from))
            }
            svg += "\n"
        }
        for life in lives.dropFirst() {
            svg += String(
                format: "<line class=\"resumed\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%.1f\"/>\n", x(life.began),
                x(life.began), height - 20)
        }
        svg += "<text class=\"tick\" x=\"\(Self.left)\" y=\"\(height - 6)\">\(ReportText.time(begin))</text>"
        svg +=
            "<text class=\"tick\" x=\"712\" y=\"\(height - 6)\" text-anchor=\"end\">\(ReportText.duration(length)) later</text>\n"
        return svg + "</svg>\n"
    }

    /// Workers that have no bar because there are too many.
    var hidden: Int { max(0, names.count - Self.rowLimit) }
}
