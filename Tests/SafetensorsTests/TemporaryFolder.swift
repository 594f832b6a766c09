import Foundation

/// A folder that is there for one test.
final class TemporaryFolder {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "safetensors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    var path: String { url.path() }

    func path(_ name: String) -> String { url.appending(path: name).path() }

    func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: url.appending(path: name))) }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: url.path()).sorted() }
    }

    /// Writes `header` with a length before it and `data` behind it.
    func write(header: String, data: [UInt8] = [], length: UInt64? = nil) throws -> String {
        let length = (length ?? UInt64(header.utf8.count)).littleEndian
        return try write(withUnsafeBytes(of: length) { Array($0) } + Array(header.utf8) + data)
    }

    func write(_ bytes: [UInt8]) throws -> String {
        let path = path("file.safetensors")
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }
}
