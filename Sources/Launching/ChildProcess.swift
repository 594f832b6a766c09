package import Foundation
import Glibc
import Synchronization

/// A process that this one starts, reads and ends; its words are arguments, never a shell's text.
package final class ChildProcess: Sendable {
    struct Missing: Error, CustomStringConvertible {
        let tool: String
        var description: String {
            "\(tool) is not on this box: install it (apt-get install \(tool == "ssh" ? "openssh-client" : tool))"
        }
    }

    /// What standard input brings.
    package enum Input {
        case nothing
        case file(FileHandle)
        /// Stays open behind the text until ``closeInput()``.
        case text(String)
    }

    /// Longer lines are cut.
    static let longestLine = 8 << 10

    private let output: FileHandle
    private let input: Mutex<FileHandle?>
    /// nil when it is buried.
    private let process: Mutex<pid_t?>

    /// Starts it; what it says on standard output and standard error comes as one.
    ///
    /// - Parameter tool: a name on the PATH, or a path.
    /// - Throws: one sentence.
    package init(_ tool: String, _ arguments: [String], input: Input = .nothing) throws {
        let path = try Self.find(tool)
        let (reading, writing) = try Self.pipe()
        var source = FileHandle.nullDevice
        var inward: FileHandle?
        switch input {
        case .nothing: break
        case .file(let file): source = file
        case .text: (source, inward) = try Self.pipe()
        }
        let started = try Spawn.start(
            path, arguments, input: source.fileDescriptor, output: writing.fileDescriptor)
        process = Mutex(started)
        output = reading
        self.input = Mutex(inward)
        try writing.close()
        // A process that has ended already does not take its input, and says why itself.
        if case .text(let words) = input {
            try source.close()
            if let inward { Self.send(Array(words.utf8), to: inward.fileDescriptor) }
        }
    }

    /// As `write`, but a reader that is gone is no signal to this process.
    private static func send(_ bytes: [UInt8], to end: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(end, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return
            }
        }
    }

    /// Two joined ends that no other process inherits: one that did would keep them open, and the reader waiting.
    private static func pipe() throws -> (read: FileHandle, write: FileHandle) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw BoxFailure("this box has no file descriptors left: raise 'ulimit -n', or name fewer boxes")
        }
        return (
            FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
            FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        )
    }

    static func has(_ tool: String) -> Bool { (try? find(tool)) != nil }

    private static func find(_ tool: String) throws -> String {
        if tool.contains("/") { return tool }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        let isThere = FileManager.default.isExecutableFile
        guard let folder = folders.first(where: { isThere("\($0)/\(tool)") }) else { throw Missing(tool: tool) }
        return "\(folder)/\(tool)"
    }

    /// Hands on each line until the process and all that hold its output have ended.
    ///
    /// To be called once.
    ///
    /// - Returns: the exit status; 128 + the signal's number when a signal ended it.
    package func run(line: (String) -> Void) -> Int32 {
        var rest = Data()
        while let piece = read() {
            rest.append(contentsOf: piece)
            while let end = rest.firstIndex(where: { $0 == 10 || $0 == 13 }) {
                line(String(decoding: rest[rest.startIndex..<end].prefix(Self.longestLine), as: UTF8.self))
                rest = Data(rest[(end + 1)...])
            }
            if rest.count > Self.longestLine { rest = rest.prefix(Self.longestLine) }
        }
        if !rest.isEmpty { line(String(decoding: rest, as: UTF8.self)) }
        guard let running = process.withLock({ $0 }) else { return 0 }
        Spawn.wait(for: running)
        return process.withLock { process in
            process = nil
            return Spawn.bury(running)
        }
    }

    /// Waits for the end of a process of few words.
    func gather() -> (status: Int32, lines: [String]) {
        closeInput()
        var lines: [String] = []
        let status = run { if lines.count < 1000 { lines.append($0) } }
        return (status, lines)
    }

    /// What there is to read, as soon as there is something; nil at the end.
    private func read() -> [UInt8]? {
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(output.fileDescriptor, &piece, piece.count)
            if count > 0 { return Array(piece[..<count]) }
            if count == 0 || errno != EINTR { return nil }
        }
    }

    func closeInput() {
        input.withLock {
            try? $0?.close()
            $0 = nil
        }
    }

    /// Nothing, when it is gone.
    package func signal(_ number: Int32) {
        process.withLock { process in
            if let process { kill(process, number) }
        }
    }
}
