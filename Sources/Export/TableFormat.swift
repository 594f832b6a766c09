package import Foundation
package import Journal

/// How a table is written.
package enum TableFormat: Sendable {
    /// RFC 4180 with a line of column names and newlines alone; what is missing is an empty field.
    case csv
    /// An object a line, with every column; what is missing is null, what is not finite is text.
    case jsonl

    /// Writes a table, in pieces of bounded size.
    ///
    /// - Throws: ``JournalError`` at the first row that cannot be read: what went before is whole. Whatever `write` throws.
    package func write(_ table: Table, of reader: JournalReader, to write: (Data) throws -> Void) throws {
        var piece = ""
        func flush() throws {
            try write(Data(piece.utf8))
            piece.removeAll(keepingCapacity: true)
        }
        if case .csv = self { piece += table.columns.map { Self.quoted($0.name) }.joined(separator: ",") + "\n" }
        do {
            try table.rows(reader) { row in
                piece += line(row, table)
                if piece.utf8.count > 1 << 16 { try flush() }
            }
        } catch {
            try flush()
            throw error
        }
        try flush()
    }

    private func line(_ row: [Table.Value], _ table: Table) -> String {
        switch self {
        case .csv: row.map(Self.field).joined(separator: ",") + "\n"
        case .jsonl:
            "{" + zip(table.columns, row).map { "\(Self.json($0.name)):\(Self.json($1))" }.joined(separator: ",")
                + "}\n"
        }
    }

    private static func field(_ value: Table.Value) -> String {
        switch value {
        case .missing: ""
        case .whole(let number): "\(number)"
        case .number(let number): "\(number)"
        case .text(let text): quoted(text)
        case .texts: quoted(json(value))
        }
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { !Array("\",\r\n".utf8).contains($0) }
        return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    private static func json(_ value: Table.Value) -> String {
        switch value {
        case .missing: "null"
        case .whole(let number): "\(number)"
        case .number(let number): number.isFinite ? "\(number)" : "\"\(number)\""
        case .text(let text): json(text)
        case .texts(let texts): "[" + texts.map(json).joined(separator: ",") + "]"
        }
    }

    private static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case ..<" ", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
