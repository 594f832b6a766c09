/// A PNG file's text: pairs of keyword and text in chunks of their own, after the header.
///
/// PNG, second edition, section 11.3.4: `tEXt` holds Latin-1, `iTXt` holds UTF-8.
package enum PNGText {
    /// The file with `entries` put behind its header, sorted by keyword.
    ///
    /// What is not Latin-1 goes into an `iTXt` chunk, as Pillow's `PngInfo.add_text` does, so that the tools which show a
    /// picture's prompt read it in any script.
    ///
    /// - Parameter png: a PNG file without text.
    /// - Parameter entries: keywords of 1 to 79 Latin-1 letters, such as A1111's `parameters`.
    static func adding(_ entries: [String: String], to png: [UInt8]) -> [UInt8] {
        let headerEnd = signatureLength + 12 + 13
        precondition(png.count >= headerEnd)
        var file = Array(png[..<headerEnd])
        for (keyword, text) in entries.sorted(by: { $0.key < $1.key }) {
            guard let keyword = latin1(keyword), (1...79).contains(keyword.count) else {
                preconditionFailure("a PNG keyword has 1 to 79 Latin-1 letters")
            }
            if let text = latin1(text), !text.contains(0) {
                file += chunk("tEXt", keyword + [0] + text)
            } else {
                // Not compressed, no method, no language, no translated keyword.
                file += chunk("iTXt", keyword + [0, 0, 0, 0, 0] + Array(text.utf8))
            }
        }
        return file + png[headerEnd...]
    }

    /// The text of a PNG file by keyword; compressed text and whatever follows a broken chunk is passed over.
    package static func read(_ png: [UInt8]) -> [String: String] {
        var entries: [String: String] = [:]
        var position = signatureLength
        guard PictureFormat(png) == .png else { return entries }
        while position + 12 <= png.count {
            let length = png[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= png.count - position - 12 else { break }
            let kind = png[position + 4..<position + 8]
            let body = png[position + 8..<position + 8 + length]
            if let (keyword, text) = entry(kind: kind, body: body) { entries[keyword] = text }
            position += 12 + length
        }
        return entries
    }

    private static func entry(kind: ArraySlice<UInt8>, body: ArraySlice<UInt8>) -> (String, String)? {
        guard let end = body.firstIndex(of: 0) else { return nil }
        let keyword = string(latin1: body[..<end])
        let rest = body[(end + 1)...]
        if kind.elementsEqual("tEXt".utf8) { return (keyword, string(latin1: rest)) }
        guard kind.elementsEqual("iTXt".utf8), rest.first == 0 else { return nil }
        let parts = rest.dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        return (keyword, String(decoding: parts[2], as: UTF8.self))
    }

    private static let signatureLength = 8

    private static func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] {
        let checked = Array(kind.utf8) + body
        return bigEndian(UInt32(body.count)) + checked + bigEndian(crc32(checked))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func latin1(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func string(latin1 bytes: ArraySlice<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// The checksum of a chunk's kind and body: polynomial 0xEDB88320, reflected.
    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
    }
}
