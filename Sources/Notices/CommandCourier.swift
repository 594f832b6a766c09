import Foundation
import Glibc
import Launching
import Synchronization

/// Runs a shell's command for each notice: the facts are in its environment, and as JSON on its standard input.
package struct CommandCourier: Courier {
    private let command: String
    private let patience: Duration

    /// - Parameters:
    ///   - command: for `/bin/sh -c`.
    ///   - patience: after which it is ended, with all that it has started.
    package init(_ command: String, patience: Duration = .seconds(30)) {
        self.command = command
        self.patience = patience
    }

    package var name: String { "the notify command" }

    package func deliver(_ notice: Notice) async throws {
        let (command, patience) = (command, patience)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // It waits, which the cooperative threads must not.
            let thread = Thread { continuation.resume(with: Result { try Self.run(command, notice, patience) }) }
            thread.name = "notify command"
            thread.start()
        }
    }

    private static func run(_ command: String, _ notice: Notice, _ patience: Duration) throws {
        let input = try pipe()
        let output = try pipe()
        defer { for end in [input.read, output.read, output.write] { close(end) } }
        // It fits in between whole: nobody has to read it.
        let json = Array(try notice.json)
        let written = json.withUnsafeBytes { send(input.write, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        close(input.write)
        guard written == json.count else { throw Undelivered("its input cannot be written") }
        let environment = ProcessInfo.processInfo.environment.merging(notice.environment) { $1 }
        let process: pid_t
        do {
            process = try Spawn.start(
                "/bin/sh", ["-c", command], input: input.read, output: output.write, environment: environment)
        } catch {
            throw Undelivered("\(error)")
        }
        _ = fcntl(output.read, F_SETFL, O_NONBLOCK)
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        var said: [UInt8] = []
        var status: Int32 = 0
        while waitpid(process, &status, WNOHANG) == 0 {
            drain(output.read, into: &said)
            guard clock.now < deadline else {
                kill(-process, SIGKILL)
                _ = Spawn.bury(process)
                throw Undelivered("it took longer than \(Int(patience / .seconds(1))) s, and was ended")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
        drain(output.read, into: &said)
        guard status == 0 else {
            let words = String(decoding: said, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
            let how = status & 0x7F == 0 ? "ended with status \(status >> 8 & 0xFF)" : "was killed"
            throw Undelivered("it \(how)\(words)")
        }
    }

    /// The last of what is there to read now; more is thrown away.
    private static func drain(_ end: Int32, into said: inout [UInt8]) {
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(end, &piece, piece.count)
            guard count > 0 else { return }
            said = Array((said + piece[..<count]).suffix(500))
        }
    }

    /// Two joined ends that no other process inherits.
    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw Undelivered("this box has no file descriptors left")
        }
        return (ends[0], ends[1])
    }
}
