import Crypto
package import Foundation

/// The secret by which the dashboard knows its user: 128 random bits, in hexadecimal digits.
package struct AccessToken: Sendable, Equatable {
    package static let file = "dashboard.token"

    /// 32 digits.
    package let text: String

    package init() {
        text = SymmetricKey(size: .bits128).withUnsafeBytes { $0.map { String(format: "%02x", $0) }.joined() }
    }

    private init(text: String) {
        self.text = text
    }

    /// The token that a run keeps, so that a page that is open goes on when the coordinator starts again.
    ///
    /// Made when there is none, for its owner's eyes alone; where the folder cannot be written it lasts as long as this
    /// process.
    package init(ofRun run: URL) {
        let path = run.appending(path: Self.file).path
        if let data = FileManager.default.contents(atPath: path), data.count < 100 {
            let kept = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if kept.utf8.count == 32, kept.allSatisfy(\.isHexDigit) {
                self.init(text: kept)
                return
            }
        }
        self.init()
        try? FileManager.default.removeItem(atPath: path)
        // Nobody else's from the beginning.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { return }
        try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).write(contentsOf: Data((text + "\n").utf8))
    }

    /// Whether `other` is this token, found in the same time wherever they differ.
    package func matches(_ other: String) -> Bool {
        let ours = Array(SHA256.hash(data: Data(text.utf8)))
        let theirs = Array(SHA256.hash(data: Data(other.utf8)))
        return zip(ours, theirs).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
