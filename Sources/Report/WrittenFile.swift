import Crypto
import Foundation
import Journal

/// A file that the run wrote, as it lies there now.
struct WrittenFile {
    let path: String
    let step: Int
    let time: Date
    /// nil when it is gone.
    let size: Int?
    /// 64 hexadecimal digits; nil when it is gone or cannot be read.
    let hash: String?

    /// Whether it is what a run goes on from, and no LoRA.
    var isState: Bool { URL(filePath: path).deletingLastPathComponent().lastPathComponent == "state" }

    /// - Parameter folder: the run's, where the file is looked for when the run was moved.
    init(_ save: JournalReader.Save, in folder: URL) {
        let original = URL(filePath: save.path)
        let moved = folder.appending(path: original.lastPathComponent)
        let found = [original, moved].first { FileManager.default.fileExists(atPath: $0.path) }
        path = found?.path ?? save.path
        step = save.step
        time = save.time
        size = found.flatMap { try? $0.resourceValues(forKeys: [.fileSizeKey]).fileSize }
        hash = found.flatMap(Self.hash)
    }

    private static func hash(of file: URL) -> String? {
        guard let handle = try? FileHandle(forReadingFrom: file) else { return nil }
        defer { try? handle.close() }
        var sum = SHA256()
        do {
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { sum.update(data: piece) }
        } catch {
            return nil
        }
        return sum.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
