import Foundation
import TOMLKit

/// A TOML or JSON file as a table of values, nothing of it trusted yet.
package struct SettingsFile {
    /// Larger files are refused before they are read.
    static let maximumBytes = 16 << 20

    /// What messages call it.
    package let name: String
    package let values: [String: SettingValue]

    /// - Parameter path: read as JSON when it ends in `.json`, else as TOML; `.toml` may be left out, as with kohya.
    /// - Throws: ``RecipeError`` where it cannot be read or is neither.
    package init(path: String) throws(RecipeError) {
        var path = path
        if !FileManager.default.fileExists(atPath: path), FileManager.default.fileExists(atPath: path + ".toml") {
            path += ".toml"
        }
        let text = try Self.text(of: path)
        name = URL(filePath: path).lastPathComponent
        values =
            path.hasSuffix(".json") ? try Self.json(text, file: name) : try Self.toml(text, file: name)
    }

    /// - Throws: ``RecipeError`` where it is no TOML.
    package init(toml text: String, name: String) throws(RecipeError) {
        self.name = name
        values = try Self.toml(text, file: name)
    }

    private static func text(of path: String) throws(RecipeError) -> String {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw .unreadable(file: path, reason: "there is no such file")
        }
        guard !isDirectory.boolValue else { throw .unreadable(file: path, reason: "it is a folder, not a file") }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(file: path, reason: "it is a pipe or a device, not a file")
        }
        let data: Data?
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            data = try file.read(upToCount: maximumBytes + 1)
        } catch {
            throw .unreadable(file: path, reason: "the system refuses to open it; check its permissions")
        }
        guard (data?.count ?? 0) <= maximumBytes else {
            throw .unreadable(file: path, reason: "it is larger than \(maximumBytes >> 20) MiB, too large for settings")
        }
        guard let text = String(validating: data ?? Data(), as: UTF8.self) else {
            throw .unreadable(file: path, reason: "it is not UTF-8 text")
        }
        return text
    }

    static func toml(_ text: String, file: String) throws(RecipeError) -> [String: SettingValue] {
        do {
            try TOMLShape.check(text)
            let root = try TOMLTable(string: text)
            return withExtendedLifetime(root) { table(root) }
        } catch let flaw as TOMLShape.Flaw {
            throw .syntax(
                file: file, line: flaw.line, column: flaw.column, message: "this is no TOML: \(flaw.reason)")
        } catch let error as TOMLParseError {
            let (line, column) = (error.source.begin.line, error.source.begin.column)
            throw .syntax(file: file, line: line, column: column, message: "this is no TOML: \(error.description)")
        } catch {
            throw .unreadable(file: file, reason: "it is no TOML")
        }
    }

    private static func table(_ table: TOMLTable) -> [String: SettingValue] {
        var values: [String: SettingValue] = [:]
        for (key, element) in table { values[key] = value(element) }
        return values
    }

    private static func value(_ element: any TOMLValueConvertible) -> SettingValue {
        if let flag = element.bool { return .flag(flag) }
        if let whole = element.int { return .whole(whole) }
        if let number = element.double { return .number(number) }
        if let text = element.string { return .text(text) }
        if let list = element.array { return .list(list.map { value($0) }) }
        if let table = element.table { return .table(self.table(table)) }
        return .date(element.debugDescription)
    }

    static func json(_ text: String, file: String) throws(RecipeError) -> [String: SettingValue] {
        do {
            return try JSONDecoder().decode([String: JSONValue].self, from: Data(text.utf8)).mapValues(\.value)
        } catch {
            throw .unreadable(file: file, reason: "it is no JSON object of settings")
        }
    }

    private struct JSONValue: Decodable {
        let value: SettingValue

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let flag = try? container.decode(Bool.self) {
                value = .flag(flag)
            } else if let whole = try? container.decode(Int.self) {
                value = .whole(whole)
            } else if let number = try? container.decode(Double.self) {
                value = .number(number)
            } else if let text = try? container.decode(String.self) {
                value = .text(text)
            } else if let list = try? container.decode([JSONValue].self) {
                value = .list(list.map(\.value))
            } else {
                value = .table(try container.decode([String: JSONValue].self).mapValues(\.value))
            }
        }
    }
}
