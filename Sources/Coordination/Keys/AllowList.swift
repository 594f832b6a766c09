import ZeroMQ

/// Who may connect to a coordinator: a text file with a line `PUBLIC-KEY NAME [operator]` for each key.
///
/// A word that begins with `#` begins a comment; no key in Z85 does.
package struct AllowList: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package let name: String
        /// May pause, stop and change the run.
        package let isOperator: Bool
    }

    /// By public key, in Z85.
    package private(set) var entries: [String: Entry] = [:]

    /// Bytes of the file.
    static let limit = 1 << 20
    /// Keys on the list.
    static let maximumCount = 4096

    package init() {}

    /// - Throws: ``KeyError``, for a bad line with its number.
    package init(contentsOf path: String) throws(KeyError) {
        try self.init(SmallFile.read(path, limit: Self.limit, forbidden: 0o022, fix: "600"), path: path)
    }

    /// - Parameter path: for errors only.
    package init(_ text: String, path: String) throws(KeyError) {
        var lines: [String: Int] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if let comment = words.firstIndex(where: { $0.hasPrefix("#") }) {
                words = Array(words[..<comment])
            }
            guard let key = words.first else { continue }
            guard Z85.isKey(key) else {
                throw .line(path: path, number: number, reason: "the first word is no public key of 40 characters")
            }
            guard words.count >= 2 else {
                throw .line(path: path, number: number, reason: "the name is missing after the key")
            }
            guard words.count == 2 || words.count == 3 && words[2] == "operator" else {
                throw .line(
                    path: path, number: number,
                    reason: "only the word 'operator' may follow the name, not '\(words[2])'")
            }
            do { try KeyName.check(words[1]) } catch {
                throw .line(path: path, number: number, reason: "\(error)")
            }
            for word in words[..<2] {
                if let earlier = lines.updateValue(number, forKey: word) {
                    throw .line(path: path, number: number, reason: "'\(word)' is on line \(earlier) already")
                }
            }
            entries[key] = Entry(name: words[1], isOperator: words.count == 3)
            guard entries.count <= Self.maximumCount else {
                throw .line(path: path, number: number, reason: "more than \(Self.maximumCount) keys are not allowed")
            }
        }
    }

    /// As the ``Authenticator`` wants it.
    var names: [String: String] { entries.mapValues(\.name) }
}
