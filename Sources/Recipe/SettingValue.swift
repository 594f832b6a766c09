/// What stands behind a key, whatever it was written in: TOML, JSON or the command line.
package indirect enum SettingValue: Equatable, Sendable {
    case flag(Bool)
    case whole(Int)
    case number(Double)
    case text(String)
    case list([SettingValue])
    case table([String: SettingValue])
    /// A date or a time, which no setting takes.
    case date(String)
}

extension SettingValue: CustomStringConvertible {
    /// The value as TOML, long texts shortened.
    package var description: String {
        let toml = toml
        return toml.count <= 80 ? toml : toml.prefix(60) + "…"
    }

    /// The value as TOML that reads back to it.
    package var toml: String {
        switch self {
        case .flag(let value): "\(value)"
        case .whole(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): Self.quoted(value)
        case .date(let value): value
        case .list(let values): "[" + values.map(\.toml).joined(separator: ", ") + "]"
        case .table(let values):
            "{ "
                + values.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)) = \($0.value.toml)" }.joined(
                    separator: ", ") + " }"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// True for what a form writes where nothing was chosen: false, 0, an empty text or list.
    package var isNothing: Bool {
        switch self {
        case .flag(let value): !value
        case .whole(let value): value == 0
        case .number(let value): value == 0
        case .text(let value): value.isEmpty || value.lowercased() == "none"
        case .list(let values): values.isEmpty
        case .table(let values): values.isEmpty
        case .date: false
        }
    }
}

extension SettingValue {
    func flag(at place: SettingPlace) throws(RecipeError) -> Bool {
        guard case .flag(let value) = self else {
            throw .wrongType(place, value: self, expected: SettingShape.flag.allowed)
        }
        return value
    }

    func whole(at place: SettingPlace, in range: ClosedRange<Int>) throws(RecipeError) -> Int {
        let allowed = SettingShape.whole(range).allowed
        guard case .whole(let value) = self else { throw .wrongType(place, value: self, expected: allowed) }
        guard range.contains(value) else { throw .notAllowed(place, value: self, allowed: allowed) }
        return value
    }

    func number(at place: SettingPlace, in range: ClosedRange<Double>) throws(RecipeError) -> Double {
        let allowed = SettingShape.number(range).allowed
        let value: Double
        switch self {
        case .number(let number): value = number
        case .whole(let whole): value = Double(whole)
        default: throw .wrongType(place, value: self, expected: allowed)
        }
        guard range.contains(value) else { throw .notAllowed(place, value: self, allowed: allowed) }
        return value
    }

    func text(at place: SettingPlace) throws(RecipeError) -> String {
        guard case .text(let value) = self else {
            throw .wrongType(place, value: self, expected: SettingShape.text("TEXT").allowed)
        }
        guard !value.utf8.contains(0) else { throw .notAllowed(place, value: self, allowed: "text without NUL") }
        return value
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _: Choice.Type, at place: SettingPlace
    ) throws(RecipeError) -> Choice {
        let choices = Choice.allCases.map(\.rawValue)
        let allowed = SettingShape.choice(choices).allowed
        guard case .text(let value) = self else { throw .wrongType(place, value: self, expected: allowed) }
        if let choice = Choice(rawValue: value) { return choice }
        if let choice = Choice.allCases.first(where: { $0.rawValue.lowercased() == value.lowercased() }) {
            return choice
        }
        throw .notAllowed(place, value: self, allowed: allowed, suggestion: Suggestion.nearest(to: value, in: choices))
    }
}
