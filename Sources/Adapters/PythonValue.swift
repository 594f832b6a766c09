/// A value as Python's `str` and `json.dumps` write it, which is how kohya's scripts put it in a file's metadata.
package enum PythonValue: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(String)
    case list([PythonValue])
    /// Members in the order in which they are written.
    case dictionary([(key: String, value: PythonValue)])

    package init(integerLiteral value: Int) { self = .int(value) }
    package init(stringLiteral value: String) { self = .text(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .none }

    package init(_ value: Int?) { self = value.map { .int($0) } ?? .none }
    package init(_ value: Double?) { self = value.map { .float($0) } ?? .none }
    package init(_ value: String?) { self = value.map { .text($0) } ?? .none }
    package init(_ value: Bool) { self = .bool(value) }

    package static func == (left: PythonValue, right: PythonValue) -> Bool { left.json == right.json }

    /// `str(value)`; of lists and dictionaries, their JSON, which is what the scripts store.
    package var string: String {
        switch self {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .text(let value): value
        default: json
        }
    }

    /// `json.dumps(value)`: blanks after commas and colons, characters outside ASCII escaped.
    package var json: String {
        switch self {
        case .none: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .float(let value): Self.repr(value)
        case .text(let value): Self.quoted(value)
        case .list(let values): "[" + values.map(\.json).joined(separator: ", ") + "]"
        case .dictionary(let members):
            "{" + members.map { "\(Self.quoted($0.key)): \($0.value.json)" }.joined(separator: ", ") + "}"
        }
    }

    /// `repr(float)`: the shortest digits that give the number back, with an exponent below 1e-4 and from 1e16 on.
    private static func repr(_ value: Double) -> String {
        // Swift writes the same digits, and an exponent a little earlier: above 2^53.
        let magnitude = abs(value)
        if magnitude > 0x1p53, magnitude < 1e16 { return "\(Int64(value)).0" }
        return "\(value)"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: quoted += "\\\""
            case 0x5C: quoted += "\\\\"
            case 0x08: quoted += "\\b"
            case 0x0C: quoted += "\\f"
            case 0x0A: quoted += "\\n"
            case 0x0D: quoted += "\\r"
            case 0x09: quoted += "\\t"
            case 0x20..<0x7F: quoted.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return quoted + "\""
    }
}
