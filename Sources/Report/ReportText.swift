import Foundation

/// Text of a run, whoever wrote it, made harmless for the page it goes into.
enum ReportText {
    /// For HTML, between tags and in attributes with quotes.
    static func html(_ text: String) -> String {
        visible(text).reduce(into: "") { safe, character in
            switch character {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "\"": safe += "&quot;"
            case "'": safe += "&#39;"
            default: safe.append(character)
            }
        }
    }

    /// For a line of Markdown, also in a table: nothing in it is markup.
    static func markdown(_ text: String) -> String {
        let line = visible(text).split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.reduce(into: "") { safe, character in
            switch character {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            // What begins markup or, with a colon or an @, a link.
            case "\\", "`", "*", "_", "[", "]", "|", "~", "$", "#", ":", "@": safe += "\\\(character)"
            default: safe.append(character)
            }
        }.replacing("www.", with: "www\\.")
    }

    /// A block of Markdown that shows a text as it is.
    static func block(_ text: String) -> String {
        let runs = text.split(whereSeparator: { $0 != "`" }).map(\.count)
        let fence = String(repeating: "`", count: max(3, (runs.max() ?? 0) + 1))
        return "\(fence)\n\(visible(text).trimmingCharacters(in: .newlines))\n\(fence)\n"
    }

    /// Control characters, and those that turn the direction of what follows, as their numbers.
    private static func visible(_ text: String) -> String {
        var visible = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\t": visible.unicodeScalars.append(scalar)
            case "\r": continue
            case ..<" ", "\u{7F}"..."\u{9F}", "\u{200E}"..."\u{200F}", "\u{2028}"..."\u{202E}",
                "\u{2066}"..."\u{2069}":
                visible += "\\u{\(String(scalar.value, radix: 16))}"
            default: visible.unicodeScalars.append(scalar)
            }
        }
        return visible
    }

    /// `2026-11-23 05:47 UTC`.
    static func time(_ date: Date) -> String {
        let parts = Calendar.utc.dateComponents([.year, .month, .day, .hour, .minute], from: date)
        return String(
            format: "%04d-%02d-%02d %02d:%02d UTC", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0, parts.hour ?? 0,
            parts.minute ?? 0)
    }

    /// `4.0 s`, `3 min 20 s`, `45 min`, `2 h 5 min`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e10 else { return "?" }
        let whole = Int(seconds.rounded())
        return switch whole {
        case ..<60: seconds < 10 ? String(format: "%.1f s", seconds) : "\(whole) s"
        case ..<600: "\(whole / 60) min \(whole % 60) s"
        case ..<3600: "\(whole / 60) min"
        default: "\(whole / 3600) h \(whole / 60 % 60) min"
        }
    }
}

extension Calendar {
    /// Of no place, so that a report is the same wherever it is made.
    fileprivate static let utc: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()
}
