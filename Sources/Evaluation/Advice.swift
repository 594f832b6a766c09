/// The sentence under the table.
struct Advice {
    let sentence: String

    /// Overall figures nearer than this are alike.
    private static let likeness = 0.01

    init(_ entries: [EvaluationReport.Entry]) {
        guard let first = entries.first else {
            sentence = "There is nothing to compare."
            return
        }
        sentence = entries.count == 1 ? Self.about(first) : Self.choice(among: entries)
    }

    private static func about(_ entry: EvaluationReport.Entry) -> String {
        let qualities = entry.qualities
        guard qualities.fidelity > 0, let ease = qualities.ease else {
            return
                "\(entry.file) has not learned its pictures: with their captions the loss does not fall below the base "
                + "model's; train longer, or raise the learning rate."
        }
        let called = qualities.reached[Prompts.trigger] ?? 0
        let uncalled = qualities.reached[Prompts.empty] ?? 0
        let start =
            "\(entry.file) takes away \(percent(qualities.fidelity)) of the base model's error on its pictures; the trigger "
            + "alone reaches \(percent(called)) of that, and no prompt at all \(percent(uncalled))"
        if uncalled > 0.75 * min(1, called) {
            return start
                + ": it need not be called and changes every picture; captions with a trigger would keep it apart."
        }
        let weakest = min(ease, qualities.generality)
        if weakest >= 0.8 { return start + ": it can be called and composed with." }
        return start
            + (ease < qualities.generality
                ? ": it is hard to call; shorter captions, or fewer dropped tags, put more into the trigger."
                : ": it changes what it should not; fewer steps, a lower rank or regularization pictures keep it apart.")
    }

    private static func choice(among entries: [EvaluationReport.Entry]) -> String {
        let ranked = entries.enumerated().sorted {
            ($1.element.overall, $0.offset) < ($0.element.overall, $1.offset)
        }.map(\.element)
        let (best, next) = (ranked[0], ranked[1])
        guard best.overall > 0, let ease = best.qualities.ease else {
            return "Keep none of them: with no file does the loss on the training pictures fall below the base model's."
        }
        let highest = entries.map(\.qualities.fidelity).max() ?? 0
        let figures =
            "\(percent(best.qualities.fidelity / highest)) of the highest fidelity, ease \(two(ease)), generality "
            + two(best.qualities.generality)
        if best.overall - next.overall < likeness {
            return "Keep \(best.file) (\(figures)); \(next.file) is as good (overall \(two(best.overall)) and "
                + "\(two(next.overall)))."
        }
        return
            "Keep \(best.file): \(figures), overall \(two(best.overall)); next is \(next.file) with \(two(next.overall))."
    }
}

/// `63 %`.
func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

/// Two digits behind the point.
func two(_ value: Double) -> String { fixed(value, digits: 2) }

/// So many digits behind the point, in no language.
func fixed(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
    let whole = Int((abs(value) * Double(scale)).rounded())
    let behind = String(whole % scale)
    let sign = value < 0 && whole > 0 ? "-" : ""
    return sign + "\(whole / scale)." + String(repeating: "0", count: digits - behind.count) + behind
}
