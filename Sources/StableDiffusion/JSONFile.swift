import Foundation

/// A JSON object in a file, read key by key, so that what is wrong can be said with file, key and value.
struct JSONFile {
    let file: String
    let values: [String: JSONValue]

    /// - Throws: ``ModelError`` when the file cannot be read, is larger than `limit` bytes or is no JSON object.
    init(_ url: URL, limit: Int = 64 << 20) throws(ModelError) {
        let data = try readFile(url, limit: limit)
        do {
            guard case .object(let values) = try JSONDecoder().decode(JSONValue.self, from: data) else {
                throw ModelError(url.path, "holds JSON, but not an object; take the file from the original model again")
            }
            self.init(file: url.path, values: values)
        } catch let error as ModelError {
            throw error
        } catch {
            throw ModelError(url.path, "is not valid JSON; take the file from the original model again")
        }
    }

    init(file: String, values: [String: JSONValue]) {
        self.file = file
        self.values = values
    }

    func has(_ key: String) -> Bool { values[key].map { $0 != .null } ?? false }

    func integer(_ key: String, default standard: Int? = nil, in range: ClosedRange<Int>) throws(ModelError) -> Int {
        guard let value = try value(key, orElse: standard.map { .number(Double($0)) }) else { return 0 }
        guard let number = value.integer else { throw wrong(key, value, "a whole number") }
        guard range.contains(number) else {
            throw wrong(key, value, "in \(range.lowerBound)...\(range.upperBound)")
        }
        return number
    }

    func number(_ key: String, default standard: Double? = nil) throws(ModelError) -> Double {
        guard let value = try value(key, orElse: standard.map { .number($0) }) else { return 0 }
        guard case .number(let number) = value, number.isFinite else { throw wrong(key, value, "a number") }
        return number
    }

    func boolean(_ key: String, default standard: Bool) throws(ModelError) -> Bool {
        guard has(key), let value = values[key] else { return standard }
        guard case .boolean(let boolean) = value else { throw wrong(key, value, "true or false") }
        return boolean
    }

    func string(_ key: String, default standard: String? = nil) throws(ModelError) -> String {
        guard let value = try value(key, orElse: standard.map { .string($0) }) else { return "" }
        guard case .string(let string) = value else { throw wrong(key, value, "a string") }
        return string
    }

    func strings(_ key: String, default standard: [String]? = nil) throws(ModelError) -> [String] {
        guard let value = try value(key, orElse: standard.map { .array($0.map { .string($0) }) }) else { return [] }
        guard case .array(let items) = value else { throw wrong(key, value, "a list of strings") }
        var strings: [String] = []
        for item in items {
            guard case .string(let string) = item else { throw wrong(key, value, "a list of strings") }
            strings.append(string)
        }
        return strings
    }

    /// A list of whole numbers; one number stands for a list of `count` like it, where `count` is given.
    func integers(
        _ key: String, default standard: [Int]? = nil, count: Int? = nil, in range: ClosedRange<Int>
    ) throws(ModelError) -> [Int] {
        let standard = standard.map { JSONValue.array($0.map { .number(Double($0)) }) }
        guard let value = try value(key, orElse: standard) else { return [] }
        var numbers: [Int] = []
        switch value {
        case .number:
            guard let count, let number = value.integer else { throw wrong(key, value, "a list of whole numbers") }
            numbers = Array(repeating: number, count: count)
        case .array(let items):
            for item in items {
                guard let number = item.integer else { throw wrong(key, value, "a list of whole numbers") }
                numbers.append(number)
            }
        default: throw wrong(key, value, "a list of whole numbers")
        }
        guard count == nil || numbers.count == count else { throw wrong(key, value, "a list of \(count ?? 0)") }
        guard !numbers.isEmpty, numbers.allSatisfy(range.contains) else {
            throw wrong(key, value, "whole numbers in \(range.lowerBound)...\(range.upperBound)")
        }
        return numbers
    }

    /// One of the words that an enumeration knows.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default standard: Choice? = nil
    ) throws(ModelError) -> Choice where Choice.RawValue == String {
        let word = try string(key, default: standard?.rawValue)
        guard let choice = Choice(rawValue: word) else {
            throw wrong(key, .string(word), "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// Refuses a setting that is there and is none of `allowed`, because what it asks for is not built.
    func require(_ key: String, oneOf allowed: [JSONValue]) throws(ModelError) {
        guard has(key), let value = values[key], !allowed.contains(value) else { return }
        throw wrong(
            key, value, allowed.map(\.description).joined(separator: " or ") + " in a model that can be used here")
    }

    func wrong(_ key: String, _ value: JSONValue, _ wanted: String) -> ModelError {
        ModelError(file, "\(key) is \(value), but must be \(wanted)")
    }

    private func value(_ key: String, orElse standard: JSONValue?) throws(ModelError) -> JSONValue? {
        if has(key) { return values[key] }
        guard let standard else {
            throw ModelError(file, "has no \(key); take the file from the original model again")
        }
        return standard
    }
}

/// Any JSON value.
enum JSONValue: Decodable, Equatable, CustomStringConvertible {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let boolean = try? container.decode(Bool.self) {
            self = .boolean(boolean)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let string = try? container.decode(String.self) {
            self = .string(string)
        } else if let array = try? container.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// The number, where it is a whole one.
    var integer: Int? {
        guard case .number(let number) = self else { return nil }
        return Int(exactly: number)
    }

    var description: String {
        switch self {
        case .null: "null"
        case .boolean(let boolean): "\(boolean)"
        case .number(let number): integer.map(String.init) ?? "\(number)"
        case .string(let string): "\"\(string.prefix(60))\""
        case .array(let items): "[" + items.prefix(8).map(\.description).joined(separator: ", ") + "]"
        case .object: "an object"
        }
    }
}

/// A small file's bytes.
func readFile(_ url: URL, limit: Int) throws(ModelError) -> Data {
    let size: Int?
    do {
        size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int
    } catch {
        throw ModelError(url.path, "there is no such file, or it may not be read")
    }
    guard let size, size <= limit else {
        throw ModelError(url.path, "is larger than \(limit >> 20) MiB, which no such file is")
    }
    do {
        return try Data(contentsOf: url)
    } catch {
        throw ModelError(url.path, "cannot be read; check its permissions")
    }
}
