/// The picture formats that are read, told by a file's first bytes and never by its name.
package enum PictureFormat: String, CaseIterable, Sendable {
    case png, jpeg, webp, bmp

    /// The file name endings of the pictures in a data folder, in lower case.
    package static let fileExtensions: Set<String> = ["png", "jpg", "jpeg", "webp", "bmp"]

    package init?(_ bytes: [UInt8]) {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            self = .webp
        } else if bytes.starts(with: Array("BM".utf8)), bytes.count >= 26 {
            self = .bmp
        } else {
            return nil
        }
    }

    /// What a file that is none of these looks like, in words.
    static func guess(_ bytes: [UInt8]) -> String? {
        let isBox = bytes.dropFirst(4).starts(with: Array("ftyp".utf8))
        if bytes.starts(with: Array("GIF8".utf8)) { return "a GIF" }
        if bytes.starts(with: [0x49, 0x49, 0x2A, 0x00]) || bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2A]) {
            return "a TIFF or a camera's raw file"
        }
        if isBox, bytes.dropFirst(8).starts(with: Array("avif".utf8)) { return "an AVIF" }
        if isBox { return "a HEIC or a video" }
        if bytes.starts(with: [0xFF, 0x0A]) || bytes.starts(with: [0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C]) {
            return "a JPEG XL"
        }
        if bytes.starts(with: Array("%PDF".utf8)) { return "a PDF" }
        if bytes.starts(with: Array("version https://git-lfs".utf8)) { return "a Git LFS pointer" }
        if bytes.prefix(256).allSatisfy({ $0 == 0 }) { return "a file of zeros" }
        if bytes.prefix(512).allSatisfy({ $0 >= 0x20 && $0 != 0x7F || [9, 10, 13].contains($0) }) { return "text" }
        return nil
    }
}
