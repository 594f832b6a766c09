import Coordination
import Foundation
import ProgramSupport

/// A coordinator in a process of its own, which lets everybody in, and what it takes of this machine.
final class LiveCoordinator {
    let address: Address
    private let process: Launched
    private let folder: URL

    /// - Parameters:
    ///   - parameters: floats in a gradient.
    ///   - openFiles: how many files it may have open; nil leaves it as it is.
    init(workers: Int, parameters: Int, steps: Int, options: [String] = [], openFiles: Int? = nil) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "danlu-attack-\(UUID().uuidString)")
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let tests = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let program = tests.deletingLastPathComponent().appending(path: "exchange-benchmark").path
        // Every child takes the limit over that its parent has.
        let limit = openFiles.map { "ulimit -n \($0) && " } ?? ""
        func launch() throws -> (Launched, Address) {
            let address = Address(host: "127.0.0.1", port: .random(in: 20_000...60_000))
            var words = [program, "coordinate", "--listen", "\(address)", "--workers", "\(workers)"]
            words += ["--parameters", "\(parameters)", "--steps", "\(steps)"] + options
            let process = try Launched(["-c", limit + "exec \"$@\"", "sh"] + words, in: folder, executable: "/bin/sh")
            try process.wait(forOutput: "\(address)")
            return (process, address)
        }
        // One of two ports may be another's; the third time something else is wrong.
        let live = try (try? launch()) ?? (try? launch()) ?? launch()
        process = live.0
        address = live.1
    }

    /// The port of bulk connections.
    var bulkPort: UInt16 { address.port + 1 }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// What it said.
    var notes: String { process.errors }

    func end(within seconds: Double) throws -> Launched.Ended { try process.end(within: seconds) }

    /// Bytes in memory now, and the most there ever were.
    var memory: (now: Int, most: Int) {
        get throws {
            let status = try String(contentsOfFile: "/proc/\(process.identifier)/status", encoding: .utf8)
            func bytes(_ key: String) -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix(key) } ?? ""
                return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? .max) << 10
            }
            return (bytes("VmRSS:"), bytes("VmHWM:"))
        }
    }

    /// File descriptors that it has open.
    var openFiles: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.identifier)/fd").count }
    }

    /// Waits until something holds; false when it does not within so many seconds.
    static func wait(within seconds: Double, until holds: () throws -> Bool) rethrows -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while try !holds() {
            guard Date() < deadline else { return false }
            Thread.sleep(forTimeInterval: 0.02)
        }
        return true
    }
}
