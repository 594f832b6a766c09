/// Settings on the command line: every key of a recipe is a flag.
///
/// `--network_dim 8`, `--network_dim=8` and `--network-dim 8` are one thing; a flag stands alone or takes `true` or
/// `false`; a list takes every word up to the next flag.
package enum CommandLineSettings {
    /// Parts the words of a command line into those that are a recipe's settings and the rest, each in its order.
    ///
    /// A word that begins with `--` and has an underscore is taken for a setting although none has its name: so a
    /// misspelt key is refused by the reader, with a suggestion.
    package static func split(_ arguments: [String]) -> (settings: [String], rest: [String]) {
        var settings: [String] = []
        var rest: [String] = []
        var words = arguments[...]
        while let word = words.popFirst() {
            guard word != "--" else {
                rest += [word] + words
                break
            }
            guard let flag = Flag(word), flag.isSetting else {
                rest.append(word)
                continue
            }
            let taken = flag.takeValues(from: &words)
            settings += [word] + taken
        }
        return (settings, rest)
    }

    /// The settings in `arguments`, in order; `config_file` and `dataset_config` among them.
    static func read(
        _ arguments: [String]
    ) throws(RecipeError) -> [(key: String, value: SettingValue, place: SettingPlace)] {
        var settings: [(key: String, value: SettingValue, place: SettingPlace)] = []
        var words = arguments[...]
        while let word = words.popFirst() {
            guard let flag = Flag(word) else { throw .strayArgument(word) }
            let place = SettingPlace(.commandLine, flag.key)
            guard flag.isKnown else { throw .unknown(place, suggestion: SettingNames.suggestion(for: flag.key)) }
            let values = flag.takeValues(from: &words)
            settings.append((flag.key, try flag.value(values), place))
        }
        return settings
    }

    /// One `--key` or `--key=value`.
    private struct Flag {
        let key: String
        let attached: String?
        private let hadUnderscore: Bool

        init?(_ word: String) {
            guard word.hasPrefix("--"), word.count > 2 else { return nil }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let written = String(parts[0])
            key = SettingNames.isKnown(written) ? written : written.replacing("-", with: "_")
            attached = parts.count > 1 ? String(parts[1]) : nil
            hadUnderscore = written.contains("_")
        }

        var isKnown: Bool { SettingNames.isKnown(key) }
        var isSetting: Bool { isKnown || hadUnderscore }

        private var shape: SettingShape {
            if let setting = SettingTable.byKey[key] { return setting.shape }
            switch UnsupportedSetting.byKey[key]?.words {
            case .some(.none): return .flag
            case .some(.many): return .list("VALUE")
            case .some(.one), nil: return .text("VALUE")
            }
        }

        func takeValues(from words: inout ArraySlice<String>) -> [String] {
            guard attached == nil else { return [] }
            var values: [String] = []
            while let next = words.first, !next.hasPrefix("--"), wants(next, after: values.count) {
                values.append(next)
                words.removeFirst()
            }
            return values
        }

        private func wants(_ word: String, after count: Int) -> Bool {
            guard isKnown else { return count == 0 }
            return switch shape {
            case .flag: count == 0 && ["true", "false"].contains(word.lowercased())
            case .list("key=value"): word.contains("=")
            case .list("X"): count == 0 || Double(word) != nil
            case .list: true
            default: count == 0
            }
        }

        func value(_ values: [String]) throws(RecipeError) -> SettingValue {
            let words = attached.map { [$0] } ?? values
            switch shape {
            case .flag:
                return words.first.map(shape.value(ofArgument:)) ?? .flag(true)
            case .list:
                return .list(words.map(shape.value(ofArgument:)))
            default:
                guard let word = words.first else { throw .missingValue(key: key, allowed: shape.allowed) }
                return shape.value(ofArgument: word)
            }
        }
    }
}
