/// What kind of value a setting takes, for messages, help and the command line.
package enum SettingShape: Equatable, Sendable {
    case flag
    case whole(ClosedRange<Int>)
    case wholes([Int])
    case number(ClosedRange<Double>)
    case choice([String])
    /// Text, with what the help calls it: `FILE`, `TEXT`.
    case text(String)
    /// Several values, with what the help calls one of them.
    case list(String)
    case resolution
    case stepsOrShare

    /// In words, as part of "must be …".
    package var allowed: String {
        switch self {
        case .flag: "true or false"
        case .whole(let range) where range.upperBound == .max: "a whole number from \(range.lowerBound)"
        case .whole(let range): "a whole number in \(range.lowerBound)...\(range.upperBound)"
        case .wholes(let values): "one of " + values.map(String.init).joined(separator: ", ")
        case .number(let range) where range.upperBound == .greatestFiniteMagnitude:
            "a number from \(range.lowerBound.short)"
        case .number(let range): "a number in \(range.lowerBound.short)...\(range.upperBound.short)"
        case .choice(let choices): "one of " + choices.joined(separator: ", ")
        case .text: "text"
        case .list(let element): "a list of \(element)"
        case .resolution: "a side or \"width,height\" in pixels, each in 16...8192"
        case .stepsOrShare: "a whole number of steps from 0, or a share of all steps below 1"
        }
    }

    /// What stands for the value in the help.
    package var placeholder: String {
        switch self {
        case .flag: ""
        case .whole, .wholes: "N"
        case .number: "X"
        case .choice(let choices) where choices.count > 4: "NAME"
        case .choice(let choices): choices.joined(separator: "|")
        case .text(let name): name
        case .list(let element): "\(element) ..."
        case .resolution: "W[,H]"
        case .stepsOrShare: "N|SHARE"
        }
    }

    /// The value that one word of the command line means; a word of the wrong type stays text, to be refused by name.
    package func value(ofArgument word: String) -> SettingValue {
        switch self {
        case .flag:
            switch word.lowercased() {
            case "true": .flag(true)
            case "false": .flag(false)
            default: .text(word)
            }
        case .whole, .wholes: Int(word).map(SettingValue.whole) ?? .text(word)
        case .number: Double(word).map(SettingValue.number) ?? .text(word)
        case .list("X"): Double(word).map(SettingValue.number) ?? .text(word)
        case .stepsOrShare:
            Int(word).map(SettingValue.whole) ?? Double(word).map(SettingValue.number) ?? .text(word)
        case .choice, .text, .list, .resolution: .text(word)
        }
    }
}
