import Foundation

/// Text as a terminal may have it, and its place there.
///
/// Names, captions and reasons come from files and from other machines.
extension String {
    /// The same without anything that could move the cursor, turn the direction of writing, or be counted differently by
    /// different terminals.
    ///
    /// A line end or tab becomes a blank, another control a question mark; joiners, variants and skin tones of emoji are
    /// left out, and of marks on one character all but the first two.
    ///
    /// - Parameter unicode: whether there may be more than ASCII; if not, letters lose their marks, and what has no
    ///   likeness is a question mark.
    package func printable(unicode: Bool = true) -> String {
        if utf8.allSatisfy({ 0x20 <= $0 && $0 < 0x7F }) { return self }
        var kept = String.UnicodeScalarView()
        var marks = 2
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control: kept.append("\t\r\n".unicodeScalars.contains(scalar) ? " " : "?")
            case .lineSeparator, .paragraphSeparator: kept.append(" ")
            case .format: if ![0x200C, 0x200D, 0xAD].contains(scalar.value) { kept.append("?") }
            case .surrogate, .privateUse, .unassigned: kept.append("?")
            case .nonspacingMark, .enclosingMark:
                guard marks < 2, !scalar.properties.isVariationSelector else { continue }
                kept.append(scalar)
                marks += 1
                continue
            default: if !scalar.properties.isEmojiModifier { kept.append(scalar) }
            }
            marks = 0
        }
        return unicode ? String(kept) : String(kept).inASCII
    }

    /// As ``printable(unicode:)``, line by line; tabs stay.
    package func printableLines(unicode: Bool = true) -> String {
        if utf8.allSatisfy({ 0x20 <= $0 && $0 < 0x7F || $0 == 10 || $0 == 9 }) { return self }
        return split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map {
                String($0).printable(unicode: unicode)
            }.joined(separator: "\t")
        }.joined(separator: "\n")
    }

    private var inASCII: String {
        var text = ""
        for scalar in decomposedStringWithCanonicalMapping.unicodeScalars {
            switch scalar {
            case _ where scalar.isASCII: text.unicodeScalars.append(scalar)
            case "–", "—", "‐", "‑", "−": text += "-"
            case "…": text += "..."
            case "“", "”", "„", "«", "»": text += "\""
            case "‘", "’", "‚": text += "'"
            case "×": text += "x"
            case "→": text += "->"
            default: if CharacterWidths.columns(of: scalar) > 0 { text += "?" }
            }
        }
        return text
    }

    /// Columns that it takes; of printable text.
    package var columns: Int { unicodeScalars.reduce(0) { $0 + CharacterWidths.columns(of: $1) } }

    /// As much of its beginning as fits into `width` columns, with an ellipsis where something is missing.
    package func clipped(to width: Int, unicode: Bool = true) -> String {
        guard columns > width else { return self }
        let mark = unicode ? "…" : "~"
        return width <= 0 ? "" : prefix(columns: width - 1) + mark
    }

    /// As ``clipped(to:unicode:)``, but what is missing is in the middle: names differ at their ends.
    package func clippedInside(to width: Int, unicode: Bool = true) -> String {
        guard columns > width, width > 4 else { return clipped(to: width, unicode: unicode) }
        let mark = unicode ? "…" : "~"
        let end = String(String(reversed()).prefix(columns: (width - 1) / 2).reversed())
        return prefix(columns: width - 1 - end.columns) + mark + end
    }

    /// As many whole characters as fit.
    private func prefix(columns width: Int) -> String {
        var (text, left) = ("", width)
        for character in self {
            left -= String(character).columns
            guard left >= 0 else { break }
            text.append(character)
        }
        return text
    }

    /// As it is, but lines that are wider than `width` columns are broken, with the margin that they have.
    package func wrapped(to width: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
            guard String(line).columns > width else { return [String(line)] }
            let margin = String(line.prefix { $0 == " " }.prefix(max(0, width / 2)))
            return line.drop { $0 == " " }.description.lines(of: width - margin.count).map { margin + $0 }
        }.joined(separator: "\n")
    }

    /// The text in lines of at most `width` columns, all but the first after `indent` blanks.
    ///
    /// A word that is longer than a line is broken.
    package func lines(of width: Int, indent: Int = 0) -> [String] {
        let margin = String(repeating: " ", count: min(indent, max(0, width - 8)))
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ") {
            var word = String(word)
            let joined = line.isEmpty || line == margin ? line + word : line + " " + word
            if joined.columns <= width {
                line = joined
                continue
            }
            if !line.isEmpty && line != margin {
                lines.append(line)
                line = margin
            }
            while line.columns + word.columns > width {
                let part = word.prefix(columns: max(1, width - line.columns))
                // A wide character in a terminal of one column.
                guard !part.isEmpty else { return lines }
                lines.append(line + part)
                word.removeFirst(part.count)
                line = margin
            }
            line += word
        }
        return lines + (line.isEmpty || line == margin && !lines.isEmpty ? [] : [line])
    }
}
