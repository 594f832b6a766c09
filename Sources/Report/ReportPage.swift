import Foundation
import Journal
import Monitor

/// The report as one HTML file that needs nothing else: no script, no network, pictures and styles inside.
struct ReportPage {
    let report: RunReport

    var html: String {
        let sections = [
            troubles, figures, pictures, curves, workers, faults, files, plan, recipe, lives, events,
        ]
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <title>\(text(title)) – Danlu</title>
            <style>
            \(ReportStyle.css)
            </style>
            </head>
            <body>
            <main>
            \(header)
            \(sections.compactMap { $0 }.joined(separator: "\n"))
            <footer>Made by Danlu from \(text(report.folder.path)). What this page says can be had as numbers with
            <code>danlu export</code>.</footer>
            </main>
            </body>
            </html>

            """
    }

    private func text(_ text: String) -> String { ReportText.html(text) }

    private var title: String {
        guard let name = report.overview?.name, !name.isEmpty else { return report.folder.lastPathComponent }
        return name
    }

    private func section(_ title: String, _ contents: String) -> String {
        "<section>\n<h2>\(text(title))</h2>\n\(contents)\n</section>"
    }

    private func card(_ contents: String, _ more: String = "") -> String {
        "<div class=\"card\(more)\">\n\(contents)\n</div>"
    }

    private func table(_ head: [(String, String)], _ rows: [[String]]) -> String {
        func cells(_ tag: String, _ values: [String]) -> String {
            zip(head, values).map { "<\(tag) class=\"\($0.1)\">\($1)</\(tag)>" }.joined()
        }
        return "<div class=\"scroll\"><table>\n<tr>\(cells("th", head.map { text($0.0) }))</tr>\n"
            + rows.map { "<tr>\(cells("td", $0))</tr>\n" }.joined() + "</table></div>"
    }

    private var header: String {
        let isGood = report.outcome == "complete"
        let run = report.overview.map { "run \(text(String($0.run.prefix(16))))" } ?? "no journal"
        let began = report.overview?.lives.first.map { ", begun \(ReportText.time($0.began))" } ?? ""
        return """
            <header>
            <h1>\(text(title))<span class="state\(isGood ? " good" : "")">\(text(report.outcome))</span></h1>
            <p class="soft">A LoRA trained with Danlu, \(run)\(began)</p>
            </header>
            """
    }

    private var troubles: String? {
        guard !report.troubles.isEmpty else { return nil }
        return report.troubles.map { "<p class=\"trouble\">\(text($0))</p>" }.joined(separator: "\n")
    }

    private var figures: String? {
        let figures = ReportFigures(report).all
        guard !figures.isEmpty else { return nil }
        return "<div class=\"figures\">\n"
            + figures.map { "<div><b>\(text($0.value))</b><span>\(text($0.name))</span></div>\n" }.joined() + "</div>"
    }

    private var curves: String? {
        let resumed = report.overview?.lives.dropFirst().map(\.firstStep) ?? []
        let cards = report.curves.compactMap { curve -> String? in
            guard let svg = CurvePicture(curve: curve, resumed: resumed).svg else { return nil }
            let keys = curve.known.enumerated().map {
                " <span class=\"nowrap\"><i class=\"key c\($0)\"></i>\(text($1.name))</span>"
            }.joined()
            return card(
                "<h3>\(text(curve.title))</h3><p class=\"soft\">\(text(curve.caption))\(curve.known.count > 1 ? keys : "")</p>\n"
                    + svg, curve.isMain ? " wide" : "")
        }
        guard !cards.isEmpty else { return nil }
        let note = resumed.isEmpty ? "" : "<p class=\"soft\">Dotted: the coordinator was started again.</p>"
        return section("Curves", "<div class=\"curves\">\n\(cards.joined(separator: "\n"))\n</div>\(note)")
    }

    private var pictures: String? {
        let sheet = SampleSheet(report)
        guard !sheet.rows.isEmpty else { return nil }
        let head = "<tr><th></th>" + sheet.steps.map { "<th class=\"soft\">step \($0)</th>" }.joined() + "</tr>\n"
        let rows = sheet.rows.map { row in
            // What follows the prompt (--w 512 --d 1 …) shows when it is pointed at.
            "<tr><td class=\"prompt soft\" title=\"\(text(row.prompt))\">\(text(row.words))</td>"
                + row.pictures.map { data in
                    data.map { "<td><img alt=\"\" src=\"data:image/png;base64,\($0.base64EncodedString())\"></td>" }
                        ?? "<td></td>"
                }.joined() + "</tr>\n"
        }.joined()
        let note = sheet.leftOut == 0 ? "" : "<p class=\"soft\">\(sheet.leftOut) more are in the run's folder.</p>"
        return section(
            "Samples", card("<div class=\"scroll\"><table class=\"pictures\">\n\(head)\(rows)</table></div>\(note)"))
    }

    private var workers: String? {
        let parts = [("compute", "c3"), ("broadcast", "c1"), ("send", "c2"), ("wait", "c0")]
        let rows = WorkerShares(report).all.map { worker -> [String] in
            let total = parts.reduce(0) { $0 + (worker.spent[$1.0] ?? 0) }
            let bar = parts.map { name, color in
                let share = total > 0 ? 100 * (worker.spent[name] ?? 0) / total : 0
                return String(
                    format: "<i class=\"key \(color)\" style=\"margin:0;border-radius:0;width:%.2f%%\"></i>", share)
            }.joined()
            return [
                text(worker.name), "\(worker.samples)", String(format: "%.1f %%", 100 * worker.share),
                "\(worker.steps)", worker.speed.map { Figures.significant($0) } ?? "–", text(worker.state),
                "<div class=\"bar\">\(bar)</div>",
            ]
        }
        guard !rows.isEmpty else { return nil }
        let keys = parts.map { " <span class=\"nowrap\"><i class=\"key \($0.1)\"></i>\($0.0)</span>" }.joined()
        let last = report.events.last?.time ?? report.last?.time ?? Date(timeIntervalSince1970: 0)
        let membership = MembershipPicture(
            stays: report.stays, lives: report.overview?.lives ?? [], end: max(last, report.last?.time ?? last))
        let hidden = membership.hidden == 0 ? "" : "<p class=\"soft\">\(membership.hidden) more are not shown.</p>"
        return section(
            "Workers and their shares",
            card(
                table(
                    [
                        ("worker", ""), ("samples", "number"), ("share", "number"), ("steps", "number"),
                        ("samples/s", "number"), ("state", ""), ("its time", ""),
                    ], rows) + "<p class=\"soft\">A worker's time:\(keys)</p>")
                + (membership.svg.map { "\n" + card("<h3>Who was in when</h3>\n\($0)\(hidden)") } ?? ""))
    }

    private var faults: String? {
        guard report.overview != nil else { return nil }
        let lines = Faults(report).lines
        let contents =
            lines.isEmpty
            ? "<p>None: nothing went wrong that the journal knows of.</p>"
            : table(
                [("what", ""), ("times", "number"), ("the last of them", "")],
                lines.map { [text($0.what), "\($0.count)", text($0.last)] })
        return section("Faults survived", card(contents))
    }

    private var files: String? {
        guard !report.files.isEmpty else { return nil }
        let result = report.result?.path
        let rows = report.files.map { file in
            [
                (file.path == result ? "<span class=\"mark\">★ </span>" : "")
                    + text(URL(filePath: file.path).lastPathComponent),
                "\(file.step)", file.size.map { Figures.bytes($0) } ?? "gone",
                file.hash.map { "<code>\($0)</code>" } ?? "",
            ]
        }
        let hash = report.overview.map { "<p class=\"soft\">recipe <code>\(text($0.recipe))</code></p>" } ?? ""
        let weights = report.last.map {
            "<p class=\"soft\">weights after step \($0.step + 1) <code>\(SampleSheet.hexadecimal($0.weights))</code></p>"
        }
        return section(
            "Files",
            card(
                table([("file", ""), ("step", "number"), ("size", "number"), ("SHA-256", "")], rows) + hash
                    + (weights ?? "")))
    }

    private var plan: String? {
        guard let plan = report.overview?.plan, !plan.isEmpty else { return nil }
        return section("Plan", card("<pre>\(text(plan))</pre>", " long"))
    }

    private var recipe: String? {
        report.recipe.map { section("Recipe", card("<pre>\(text($0))</pre>", " long")) }
    }

    private var lives: String? {
        guard let lives = report.overview?.lives, !lives.isEmpty else { return nil }
        let rows = lives.map { life in
            [
                ReportText.time(life.began), life.ended.map { ReportText.time($0) } ?? "–", "\(life.firstStep)",
                text(life.version), text(life.outcome ?? "ended without a word"),
            ]
        }
        return section(
            "The coordinator's lives",
            card(
                table(
                    [
                        ("began", "nowrap"), ("ended", "nowrap"), ("from step", "number"), ("Danlu", ""),
                        ("outcome", ""),
                    ], rows)))
    }

    private var events: String? {
        guard !report.events.isEmpty else { return nil }
        let all = report.kinds.reduce(0) { $0 + $1.count }
        let rows = report.events.map { event in
            [
                ReportText.time(event.time), event.step.map { "\($0 + 1)" } ?? "", text(event.kind),
                text(event.sentence),
            ]
        }
        let note = all > rows.count ? "<p class=\"soft\">The last \(rows.count) of \(all).</p>" : ""
        return section(
            "Events",
            card(
                note
                    + table(
                        [("when", "nowrap"), ("step", "number"), ("kind", ""), ("what happened", "")], rows), " long"))
    }
}
