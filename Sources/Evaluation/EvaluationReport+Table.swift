extension EvaluationReport {
    /// The report for people, at most 80 columns wide where file names allow it.
    package var table: String {
        let rows = [["", "fidelity", "ease", "generality", "overall"]] + loras.map(row)
        let details =
            [["", "still", "obeys", "steady"] + (hasCompany ? ["beside"] : []) + rungs]
            + loras.map { entry in
                let q = entry.qualities
                return [name(of: entry), two(q.stillness), two(q.obedience), q.steadiness.map(two) ?? "–"]
                    + (hasCompany ? [q.company.map(two) ?? "–"] : [])
                    + rungs.map { rung in q.reached[rung].map(two) ?? "–" }
            }
        let error = fixed(base.losses[Prompts.caption] ?? 0, digits: 4)
        return """
            \(pictures) pictures at \(timesteps.count) timesteps each, trigger '\(triggers.joined(separator: "', '"))', \
            weight \(two(weight)).
            The base model's error on them is \(error); fidelity is the part of it that goes away.

            \(Self.aligned(rows))

            Generality, by its parts, and the part of the fall that each prompt reaches:

            \(Self.aligned(details))

            \(advice)
            """
    }

    private var hasCompany: Bool { loras.contains { $0.qualities.company != nil } }

    /// The prompts between nothing and the whole caption, in that order.
    package var rungs: [String] {
        let counts = base.losses.keys.compactMap { $0.hasPrefix("trigger+") ? Int($0.dropFirst(8)) : nil }.sorted()
        return [Prompts.empty, Prompts.trigger] + counts.map { "trigger+\($0)" }
    }

    private func row(_ entry: Entry) -> [String] {
        let qualities = entry.qualities
        return [
            name(of: entry), two(qualities.fidelity), qualities.ease.map(two) ?? "–",
            two(qualities.generality), two(entry.overall),
        ]
    }

    /// A file's own name; its whole path where several have that name.
    func name(of entry: Entry) -> String {
        let name = entry.file.lastComponent
        return loras.filter { $0.file.lastComponent == name }.count > 1 ? entry.file : name
    }

    /// The first column to the left, the others to the right.
    private static func aligned(_ rows: [[String]]) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                let blanks = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + blanks : blanks + text
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

extension String {
    var lastComponent: String { split(separator: "/").last.map(String.init) ?? self }
}
