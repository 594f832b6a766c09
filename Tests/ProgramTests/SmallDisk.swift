import Foundation
import ProgramSupport

/// A file system in memory, for as long as this object lives; it covers what lies at its path.
final class SmallDisk {
    let path: String

    static let isPossible: Bool = {
        guard geteuid() == 0 else { return false }
        let path = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        return (try? SmallDisk(at: path)) != nil
    }()

    /// - Parameter options: of `mount`: a few megabytes, or `ro`.
    init(at path: String, options: String = "size=4m") throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Self.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path)
    }

    deinit { try? Self.run("umount", "--lazy", path) }

    /// Leaves no byte free.
    func fill() throws {
        let descriptor = open(path + "/ballast", O_CREAT | O_WRONLY | O_APPEND, 0o600)
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: 4096)
        while write(descriptor, zeros, zeros.count) > 0 {}
        guard errno == ENOSPC else {
            throw Launched.Complaint(description: "\(path) cannot be filled: \(String(cString: strerror(errno)))")
        }
    }

    func makeRoom() { unlink(path + "/ballast") }

    private static func run(_ words: String...) throws {
        let ended = try Launched(words, in: FileManager.default.temporaryDirectory, executable: "/usr/bin/env").end()
        guard ended.status == 0 else { throw Launched.Complaint(description: ended.errors) }
    }
}
