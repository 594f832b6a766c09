/// Whether a text has TOML's shape: lines, keys, brackets and quotes (<https://toml.io/en/v1.0.0>), whatever the values mean.
///
/// toml++ 3.4, on which TOMLKit stands, is undefined at several kinds of text that have not: a header without a key, a date
/// behind which stands a digit, letters beyond ASCII outside quotes. So it gets to see only what has.
struct TOMLShape {
    /// What is wrong, and where, from 1 on; columns count bytes.
    struct Flaw: Error, Equatable {
        let line: Int
        let column: Int
        let reason: String
    }

    /// Lists and tables in one another; toml++ has a bound of its own, further out.
    private static let deepest = 64

    private let bytes: [UInt8]
    private var place = 0
    private var depth = 0

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// - Throws: the first flaw.
    static func check(_ text: String) throws(Flaw) {
        var shape = TOMLShape(text)
        if shape.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { shape.place = 3 }
        while shape.next != nil { try shape.line() }
    }

    // MARK: - Lines

    private mutating func line() throws(Flaw) {
        skipBlanks()
        switch next {
        case "[": try header()
        case nil, "\n", "\r", "#": break
        default: try pair()
        }
        skipBlanks()
        try comment()
        guard next != nil else { return }
        guard newline() else { throw flaw("the line should end here") }
    }

    private mutating func header() throws(Flaw) {
        place += 1
        let isList = take("[")
        skipBlanks()
        try key("a header needs a name between its brackets")
        guard take("]"), !isList || take("]") else { throw flaw("the header's \(isList ? "]]" : "]") is missing") }
    }

    private mutating func pair() throws(Flaw) {
        try key("a key should stand here")
        guard take("=") else { throw flaw("an = should stand between a key and its value") }
        skipBlanks()
        try value()
    }

    /// A key with blanks around it.
    private mutating func key(_ complaint: String) throws(Flaw) {
        repeat {
            skipBlanks()
            switch next {
            case "\"", "'":
                guard !startsMultiline else { throw flaw("a key in quotes is on one line") }
                try string()
            case let letter? where Self.isBare(letter): while let letter = next, Self.isBare(letter) { place += 1 }
            default: throw flaw(complaint)
            }
            skipBlanks()
        } while take(".")
    }

    // MARK: - Values

    private mutating func value() throws(Flaw) {
        switch next {
        case "\"", "'": try string()
        case "[": try nested { shape throws(Flaw) in try shape.list() }
        case "{": try nested { shape throws(Flaw) in try shape.table() }
        case let letter? where Self.isPlain(letter):
            let start = place
            while let letter = next, Self.isPlain(letter) { place += 1 }
            guard Self.isWord(bytes[start..<place]) else {
                let word = String(decoding: bytes[start..<place].prefix(40), as: UTF8.self)
                place = start
                throw flaw("\(word) is no number, no true or false, and no date; text stands in quotes")
            }
            if next == " ", let following = self[1], "0"..."9" ~= following {
                throw flaw("a value ends at a blank; a T stands between a date and its time")
            }
        default: throw flaw("a value should stand here")
        }
    }

    private mutating func nested(_ body: (inout TOMLShape) throws(Flaw) -> Void) throws(Flaw) {
        guard depth < Self.deepest else { throw flaw("more than \(Self.deepest) lists and tables are in one another") }
        depth += 1
        place += 1
        try body(&self)
        depth -= 1
    }

    private mutating func list() throws(Flaw) {
        try skipLines()
        while !take("]") {
            try value()
            try skipLines()
            guard take(",") || next == "]" else { throw flaw("a comma or the list's ] should stand here") }
            try skipLines()
        }
    }

    private mutating func table() throws(Flaw) {
        skipBlanks()
        guard !take("}") else { return }
        repeat {
            try pair()
            skipBlanks()
        } while take(",")
        guard take("}") else { throw flaw("a comma or the table's } should stand here") }
    }

    /// Whether letters without quotes may be a number or a name; dates and times must be whole ones.
    private static func isWord(_ bytes: ArraySlice<UInt8>) -> Bool {
        let beginsAsDate = bytes.count > 4 && bytes[bytes.startIndex + 4] == UInt8(ascii: "-")
        guard beginsAsDate || bytes.contains(UInt8(ascii: ":")) else { return bytes.first != UInt8(ascii: "_") }
        return String(decoding: bytes, as: UTF8.self).wholeMatch(of: dateOrTime) != nil
    }

    private static var dateOrTime: Regex<Substring> {
        /(?:\d\d\d\d-\d\d-\d\d[Tt])?\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?|\d\d\d\d-\d\d-\d\d/
    }

    // MARK: - Text in quotes

    private var startsMultiline: Bool { next != nil && self[1] == next && self[2] == next }

    private mutating func string() throws(Flaw) {
        guard let quote = next else { return }
        let isMultiline = startsMultiline
        let start = place
        place += isMultiline ? 3 : 1
        while let letter = next {
            switch letter {
            case quote where !isMultiline || startsMultiline:
                place += isMultiline ? 3 : 1
                // Up to two quotes may stand at the end of such a text.
                for _ in 0..<2 where isMultiline { _ = take(quote) }
                return
            case "\\" where quote == "\"": try escape(isMultiline)
            case "\n", "\r":
                guard isMultiline, newline() else { throw flaw("the text's closing \(Character(quote)) is missing") }
            default:
                guard letter == "\t" || Self.isVisible(letter) else {
                    throw flaw("a control character should be written as an escape")
                }
                place += 1
            }
        }
        place = start
        throw flaw("the closing quotes of this text are missing")
    }

    private mutating func escape(_ isMultiline: Bool) throws(Flaw) {
        place += 1
        let digits: Int
        switch next {
        case "b", "t", "n", "f", "r", "\"", "\\": digits = 0
        case "u": digits = 4
        case "U": digits = 8
        case " ", "\t", "\n", "\r":
            guard isMultiline else { throw flaw("there is no such escape") }
            skipBlanks()
            guard newline() else { throw flaw("nothing may follow a backslash at a line's end") }
            repeat { skipBlanks() } while newline()
            guard next.map({ $0.value < 0x80 }) ?? true else {
                throw flaw("after a backslash at a line's end, begin with a letter of ASCII or an escape")
            }
            return
        default: throw flaw("there is no such escape")
        }
        place += 1
        for _ in 0..<digits {
            guard let digit = next, Character(digit).isHexDigit else {
                throw flaw("\(digits) hexadecimal digits should stand here")
            }
            place += 1
        }
    }

    // MARK: - Letters

    /// The byte at `place`, which is a letter where it is ASCII.
    private var next: Unicode.Scalar? { self[0] }

    private subscript(ahead: Int) -> Unicode.Scalar? {
        place + ahead < bytes.count ? Unicode.Scalar(bytes[place + ahead]) : nil
    }

    private mutating func take(_ letter: Unicode.Scalar) -> Bool {
        guard next == letter else { return false }
        place += 1
        return true
    }

    private mutating func newline() -> Bool {
        if next == "\r", self[1] == "\n" { place += 1 }
        return take("\n")
    }

    private mutating func skipBlanks() { while next == " " || next == "\t" { place += 1 } }

    private mutating func comment() throws(Flaw) {
        guard next == "#" else { return }
        while let letter = next, letter != "\n", !(letter == "\r" && self[1] == "\n") {
            guard letter == "\t" || Self.isVisible(letter) else {
                throw flaw("a comment has a control character")
            }
            place += 1
        }
    }

    private mutating func skipLines() throws(Flaw) {
        repeat {
            skipBlanks()
            try comment()
        } while newline()
    }

    private static func isBare(_ letter: Unicode.Scalar) -> Bool {
        switch letter {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }

    private static func isPlain(_ letter: Unicode.Scalar) -> Bool {
        isBare(letter) || letter == "+" || letter == "." || letter == ":"
    }

    private static func isVisible(_ letter: Unicode.Scalar) -> Bool { letter >= " " && letter != "\u{7F}" }

    private func flaw(_ reason: String) -> Flaw {
        let before = bytes[..<place]
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return Flaw(line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: place - start + 1, reason: reason)
    }
}
