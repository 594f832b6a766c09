import Journal

/// What the run survived, by kind.
struct Faults {
    struct Line {
        let what: String
        let count: Int
        let last: String
    }

    let lines: [Line]

    /// Kinds of events that are faults, in the words of a report.
    private static let names = [
        "left": "a worker was gone", "suspect": "a worker was silent", "late": "a worker was late",
        "reassigned": "slots were computed elsewhere", "notFinite": "a number was not finite",
        "leftOut": "samples were left out", "damagedWeights": "weights arrived damaged",
        "otherWeights": "weights changed in a worker's memory", "damagedSum": "a gradient arrived damaged",
        "sumNotFinite": "a worker's sum was not finite", "absurd": "a gradient was much too large",
        "fellBack": "a step went back to the star", "repeated": "a step was done again",
        "rolledBack": "the run went back to a good state", "quarantined": "a worker was kept out",
        "notSaved": "the state could not be saved", "refused": "a worker was refused",
        "atTheGate": "somebody was turned away", "journal": "the journal had trouble",
    ]

    init(_ report: RunReport) {
        var lines = report.kinds.compactMap { kind in
            Self.names[kind.last.kind].map { Line(what: $0, count: kind.count, last: kind.last.sentence) }
        }
        let lives = report.overview?.lives ?? []
        let killed = lives.dropLast().filter { $0.outcome == nil }
        if let last = killed.last {
            lines.insert(
                Line(
                    what: "the coordinator was killed", count: killed.count,
                    last: "the life of \(ReportText.time(last.began)) ended without a word, and the run went on"), at: 0
            )
        }
        self.lines = lines
    }
}
