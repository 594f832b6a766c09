import Export
import Foundation
import Journal
import Monitor

/// The report as Markdown, for a pull request, a model card, or a terminal.
///
/// Pictures are links into the run's folder.
struct ReportMarkdown {
    let report: RunReport

    var markdown: String {
        let name = report.overview.map(\.name) ?? ""
        let title = text(name.isEmpty ? report.folder.lastPathComponent : name)
        let sections = [
            "# \(title): \(text(report.outcome))\n",
            report.troubles.map { "> \(text($0))\n" }.joined(separator: "\n"), figures, curves, samples, workers,
            faults, files, plan, recipe, events,
        ]
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func text(_ text: String) -> String { ReportText.markdown(text) }

    private func table(_ head: [String], _ rows: [[String]]) -> String {
        ([head, head.map { _ in "---" }] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    }

    private var figures: String {
        let figures = ReportFigures(report).all
        return figures.isEmpty ? "" : table(["what", "value"], figures.map { [text($0.name), text($0.value)] })
    }

    private var curves: String {
        let rows = report.curves.flatMap { curve in
            curve.known.map { line -> [String] in
                let values = line.points.map(\.mean).filter(\.isFinite)
                func number(_ value: Double?) -> String { value.map { text(Figures.rate($0)) } ?? "" }
                return [
                    text(curve.title), text(line.name), Self.blocks(values), number(values.first), number(values.min()),
                    number(values.max()), number(values.last),
                ]
            }
        }
        return rows.isEmpty
            ? "" : "## Curves\n\n" + table(["curve", "line", "", "first", "least", "most", "last"], rows)
    }

    /// `▁▃▅█`: at most 32 of them, from the least to the most.
    static func blocks(_ values: [Double]) -> String {
        guard let least = values.min(), let most = values.max() else { return "" }
        let marks = Array("▁▂▃▄▅▆▇█")
        let count = min(32, values.count)
        return String(
            (0..<count).map { index in
                let part = values[(index * values.count / count)..<((index + 1) * values.count / count)]
                let mean = part.reduce(0, +) / Double(part.count)
                let share = most > least ? (mean - least) / (most - least) : 0
                return marks[min(7, max(0, Int((share * 8).rounded(.down))))]
            })
    }

    private var samples: String {
        guard let last = report.pictures.last?.step else { return "" }
        let pictures = report.pictures.filter { $0.step == last }.prefix(8)
        return "## Samples after step \(last)\n\n"
            + pictures.map { picture in
                let prompt = report.prompts.indices.contains(picture.prompt) ? report.prompts[picture.prompt] : ""
                return "![](samples/\(picture.file.lastPathComponent)) \(text(prompt))\n\n"
            }.joined()
    }

    private var workers: String {
        let rows = WorkerShares(report).all.map {
            [
                text($0.name), "\($0.samples)", String(format: "%.1f %%", 100 * $0.share), "\($0.steps)",
                $0.speed.map { Figures.significant($0) } ?? "", text($0.state),
            ]
        }
        return rows.isEmpty
            ? ""
            : "## Workers\n\n" + table(["worker", "samples", "share", "steps", "samples/s", "state"], rows)
    }

    private var faults: String {
        let lines = Faults(report).lines
        return lines.isEmpty
            ? ""
            : "## Faults survived\n\n"
                + table(
                    ["what", "times", "the last of them"], lines.map { [text($0.what), "\($0.count)", text($0.last)] })
    }

    private var files: String {
        let rows = report.files.map {
            [
                text(URL(filePath: $0.path).lastPathComponent), "\($0.step)",
                $0.size.map { Figures.bytes($0) } ?? "gone",
                $0.hash ?? "",
            ]
        }
        return rows.isEmpty ? "" : "## Files\n\n" + table(["file", "step", "size", "SHA-256"], rows)
    }

    private var plan: String {
        guard let plan = report.overview?.plan, !plan.isEmpty else { return "" }
        return "## Plan\n\n" + ReportText.block(plan)
    }

    private var recipe: String { report.recipe.map { "## Recipe\n\n" + ReportText.block($0) } ?? "" }

    private var events: String {
        let rows = report.events.suffix(50).map {
            [ReportText.time($0.time), $0.step.map { "\($0 + 1)" } ?? "", text($0.kind), text($0.sentence)]
        }
        return rows.isEmpty ? "" : "## Events\n\n" + table(["when", "step", "kind", "what happened"], rows)
    }
}
