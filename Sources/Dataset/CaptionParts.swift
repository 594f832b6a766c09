/// A caption taken apart as people write them: tags between separators, or words where there is only one tag.
package struct CaptionParts: Equatable, Sendable {
    package let parts: [String]
    /// What joins parts again: ", " between tags, a blank between words.
    package let joint: String

    /// - Parameter separator: `caption_separator`.
    package init(_ caption: String, separator: String = ",") {
        let tags = separator.isEmpty ? [caption] : caption.split(separator: separator).map(\.trimmed)
        let named = tags.filter { !$0.isEmpty }
        if named.count > 1 {
            parts = named
            joint = ", "
        } else {
            parts = caption.split(whereSeparator: \.isWhitespace).map(String.init)
            joint = " "
        }
    }

    /// The parts that are not `trigger` and not a word of it where parts are words.
    package func others(than trigger: String) -> [String] {
        let words = joint == " " ? trigger.split(whereSeparator: \.isWhitespace).map { $0.lowercased() } : []
        return parts.filter { $0.lowercased() != trigger.lowercased() && !words.contains($0.lowercased()) }
    }

    /// The trigger, and the first few other parts behind it, in the caption's order.
    package func prompt(trigger: String, others count: Int) -> String {
        ([trigger] + others(than: trigger).prefix(count)).joined(separator: joint)
    }
}
