import Glibc
import Images

/// The text file beside a picture that says what is on it.
package struct CaptionFile: Equatable, Sendable {
    package let path: String
    /// The first line with something on it, without blanks around it; "" where there is none.
    package let caption: String
    /// Whether there are more lines, which training passes over.
    package let hasMoreLines: Bool

    /// The longest caption file that is read, in bytes.
    package static let maximumBytes = 1 << 20

    /// The file endings that are tried, in order.
    ///
    /// - Parameter chosen: `caption_extension`, with or without its dot; nil tries `.txt`, then `.caption`.
    package static func extensions(_ chosen: String?) -> [String] {
        guard let chosen, !chosen.isEmpty else { return [".txt", ".caption"] }
        return [chosen.hasPrefix(".") ? chosen : "." + chosen]
    }

    /// Reads the caption beside a picture, or nil where there is no such file.
    ///
    /// - Parameter captionExtension: `caption_extension`, or nil for the usual ones.
    /// - Throws: ``DatasetError`` where it is not UTF-8, `FileError` where it cannot be read.
    package init?(besides picture: String, captionExtension: String?) throws {
        let stem = picture.pathWithoutExtension
        let candidates = Self.extensions(captionExtension).map { stem + $0 }
        guard let path = candidates.first(where: { access($0, F_OK) == 0 }) else { return nil }
        try self.init(path: path, bytes: readFile(path, limit: Self.maximumBytes))
    }

    /// - Parameter path: only named in messages.
    package init(path: String, bytes: [UInt8]) throws(DatasetError) {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { throw .captionUTF16(file: path) }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(byteOrderMark.count) : bytes[...]
        if let wrong = Self.firstByteThatIsNotUTF8(text) {
            throw .captionNotUTF8(file: path, byte: wrong, value: bytes[wrong])
        }
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).map(\.trimmed)
            .filter { !$0.isEmpty }
        self.path = path
        caption = lines.first ?? ""
        hasMoreLines = lines.count > 1
    }

    private static func firstByteThatIsNotUTF8(_ text: ArraySlice<UInt8>) -> Int? {
        var parser = Unicode.UTF8.ForwardParser()
        var bytes = text.makeIterator()
        var position = text.startIndex
        while true {
            switch parser.parseScalar(from: &bytes) {
            case .valid(let encoded): position += encoded.count
            case .emptyInput: return nil
            case .error: return position
            }
        }
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}

extension String {
    /// Up to the last dot of the last component, as in `a.b/horse` for `a.b/horse.png`.
    var pathWithoutExtension: String {
        guard let dot = lastIndex(of: "."), !self[dot...].contains("/") else { return self }
        return String(self[..<dot])
    }
}
