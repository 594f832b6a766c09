/// Reads the JSON of a safetensors header, token by token, from bytes that nobody vouches for.
///
/// Unlike a general decoder it keeps the order of members, lets its caller see a name that comes twice, takes no memory
/// beyond the strings it returns, and says at which byte it gave up.
struct HeaderScanner {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The deepest nesting that is followed in values nobody asked for.
    private static let deepest = 32

    func failure(_ reason: String) -> SafetensorsProblem {
        .malformedHeader(offset: position, reason: reason)
    }

    /// Calls `member` with each name of an object, standing at its value, which `member` must read.
    mutating func object(
        _ member: (inout HeaderScanner, String) throws(SafetensorsProblem) -> Void
    ) throws(SafetensorsProblem) {
        try expect("{")
        if take("}") { return }
        repeat {
            let name = try string()
            try expect(":")
            try member(&self, name)
        } while take(",")
        try expect("}")
    }

    /// Reads an array of whole numbers that are not negative.
    mutating func wholeNumbers() throws(SafetensorsProblem) -> [Int] {
        var numbers: [Int] = []
        try expect("[")
        if take("]") { return numbers }
        repeat {
            numbers.append(try wholeNumber())
        } while take(",")
        try expect("]")
        return numbers
    }

    mutating func wholeNumber() throws(SafetensorsProblem) -> Int {
        skipSpace()
        let begin = position
        var number = 0
        while let byte = peek(), isDigit(byte) {
            let (tens, tooLong) = number.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !tooLong, !tooLarge else { throw failure("a number too large for 63 bits") }
            number = sum
            position += 1
        }
        guard position > begin else { throw failure("expected a whole number") }
        return number
    }

    mutating func string() throws(SafetensorsProblem) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while true {
            guard let byte = next() else { throw failure("a string that does not end") }
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw failure("a string that is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                try escape(into: &text)
            case 0..<0x20:
                throw failure("a control character in a string")
            default:
                text.append(byte)
            }
        }
    }

    /// Reads past one value of any kind.
    mutating func skipValue(depth: Int = 0) throws(SafetensorsProblem) {
        guard depth < Self.deepest else { throw failure("values nested too deeply") }
        skipSpace()
        switch peek() {
        case UInt8(ascii: "{"):
            try object { (scanner, _) throws(SafetensorsProblem) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try expect("[")
            if take("]") { return }
            repeat { try skipValue(depth: depth + 1) } while take(",")
            try expect("]")
        case UInt8(ascii: "\""):
            _ = try string()
        default:
            let begin = position
            while let byte = peek(), isDigit(byte) || isLetter(byte) || [0x2B, 0x2D, 0x2E].contains(byte) {
                position += 1
            }
            guard position > begin else { throw failure("expected a value") }
        }
    }

    /// Demands that nothing but white space is left.
    mutating func end() throws(SafetensorsProblem) {
        skipSpace()
        guard position == bytes.count else { throw failure("something after the last brace") }
    }

    mutating func take(_ token: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek() == UInt8(ascii: token) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ token: Unicode.Scalar) throws(SafetensorsProblem) {
        guard take(token) else { throw failure("expected '\(token)'") }
    }

    private mutating func escape(into text: inout [UInt8]) throws(SafetensorsProblem) {
        switch next() {
        case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var units = [try codeUnit()]
            if UTF16.isLeadSurrogate(units[0]), next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u") {
                units.append(try codeUnit())
            }
            guard let character = String(validating: units, as: UTF16.self) else {
                throw failure("half of a surrogate pair")
            }
            text.append(contentsOf: character.utf8)
        default: throw failure("an unknown escape in a string")
        }
    }

    private mutating func codeUnit() throws(SafetensorsProblem) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func next() -> UInt8? {
        guard let byte = peek() else { return nil }
        position += 1
        return byte
    }

    private mutating func skipSpace() {
        while let byte = peek(), [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
