/// Where a setting was written: `recipe.toml: network_dim`, or `--network_dim`.
package struct SettingPlace: Equatable, Sendable, CustomStringConvertible {
    package enum Source: Equatable, Sendable {
        case file(String)
        case commandLine
    }
    package let source: Source
    /// With the way to it where it is nested: `datasets[0].subsets[1].num_repeats`.
    package let key: String

    package init(_ source: Source, _ key: String) {
        self.source = source
        self.key = key
    }

    package var description: String {
        switch source {
        case .file(let name): "\(name): \(key)"
        case .commandLine: "--\(key)"
        }
    }
}

/// What is wrong with a recipe: one sentence with file, key, value and what is allowed.
package enum RecipeError: Error, Equatable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case syntax(file: String, line: Int, column: Int, message: String)
    case unknown(SettingPlace, suggestion: String?)
    case wrongType(SettingPlace, value: SettingValue, expected: String)
    case notAllowed(SettingPlace, value: SettingValue, allowed: String, suggestion: String? = nil)
    case unsupported(SettingPlace, value: SettingValue, reason: String)
    case twice(SettingPlace, also: String)
    case missing(key: String, why: String)
    case missingValue(key: String, allowed: String)
    case strayArgument(String)
    case contradiction(keys: [String], sentence: String)

    package var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file) cannot be read: \(reason)."
        case .syntax(let file, let line, let column, let message):
            "\(file):\(line):\(column): \(message)."
        case .unknown(let place, let suggestion):
            "\(place): there is no such setting" + Self.question(suggestion)
        case .wrongType(let place, let value, let expected):
            "\(place) must be \(expected), not \(value)."
        case .notAllowed(let place, let value, let allowed, let suggestion):
            "\(place) = \(value) must be \(allowed)" + Self.question(suggestion)
        case .unsupported(let place, let value, let reason):
            "\(place) = \(value) is not supported: \(reason)."
        case .twice(let place, let also):
            "\(place) is given twice, also as \(also); keep one."
        case .missing(let key, let why):
            "\(key) is missing: \(why)."
        case .missingValue(let key, let allowed):
            "--\(key) needs a value: \(allowed)."
        case .strayArgument(let word):
            "\"\(word)\" stands alone on the command line; a setting is written --key value."
        case .contradiction(_, let sentence):
            sentence
        }
    }

    private static func question(_ suggestion: String?) -> String {
        suggestion.map { "; did you mean \($0)?" } ?? "."
    }
}
