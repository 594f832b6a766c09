package import Foundation

/// The program, as its users start it: another process, with a deadline.
///
/// What it prints goes to files, so that neither it nor its workers ever wait for a reader. A process that is still
/// running when this object goes is killed, with its workers.
package final class Launched {
    /// How a process came to its end, and what it said.
    package struct Ended {
        /// The exit code; 128 + the signal's number when a signal ended it.
        package let status: Int32
        package let output: String
        package let errors: String
    }

    /// What a test cannot go on after.
    package struct Complaint: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    private let process = Process()
    private let command: String
    /// Where all that it prints goes.
    package let outputFile: URL
    private let errorFile: URL

    /// - Parameters:
    ///   - folder: where it runs; what it prints is kept there too.
    ///   - executable: nil is the program itself.
    package init(
        _ arguments: [String], in folder: URL, executable: String? = nil, environment: [String: String] = [:]
    ) throws {
        command = ([executable ?? "danlu"] + arguments).joined(separator: " ")
        let name = UUID().uuidString
        outputFile = folder.appending(path: ".\(name).output")
        errorFile = folder.appending(path: ".\(name).errors")
        for file in [outputFile, errorFile] { try Data().write(to: file) }
        process.executableURL = try URL(filePath: executable ?? Self.program())
        process.arguments = arguments
        process.currentDirectoryURL = folder
        // The cache of whoever runs the tests is left alone.
        let caches = ["XDG_CACHE_HOME": folder.appending(path: ".caches").path]
        process.environment = ProcessInfo.processInfo.environment.merging(caches) { $1 }.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        try process.run()
    }

    deinit {
        guard process.isRunning else { return }
        let all = workers + [identifier]
        for process in all { kill(process, SIGKILL) }
        process.waitUntilExit()
    }

    /// DANLU, or what was built beside these tests.
    package static func program() throws -> String {
        if let named = ProcessInfo.processInfo.environment["DANLU"] { return named }
        let tests = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let program = tests.deletingLastPathComponent().appending(path: "danlu").path
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Complaint(
                description: "there is no \(program): run 'swift build' first, or name the program with DANLU")
        }
        return program
    }

    package var identifier: pid_t { process.processIdentifier }
    package var isRunning: Bool { process.isRunning }
    package var output: String { Self.text(outputFile) }
    package var errors: String { Self.text(errorFile) }

    private static func text(_ file: URL) -> String {
        String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }

    /// The processes that it has started, lowest number first.
    package var workers: [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { Self.parent(of: $0) == identifier }.sorted()
    }

    /// nil for a process that is gone, and for one that is dead but not yet buried.
    private static func parent(of process: pid_t) -> pid_t? {
        let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        // The name in parentheses may hold blanks; behind it come the state and the parent.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 1, fields[0] != "Z" else { return nil }
        return pid_t(fields[1])
    }

    package static func isAlive(_ process: pid_t) -> Bool { parent(of: process) != nil }

    package func signal(_ number: Int32) { kill(identifier, number) }

    /// Waits until `condition` holds.
    ///
    /// - Returns: how long that took.
    @discardableResult
    package func wait(
        for what: String, within seconds: Double = 120, until condition: () throws -> Bool
    ) throws -> Duration {
        let start = ContinuousClock.now
        while try !condition() {
            guard ContinuousClock.now - start < .seconds(seconds) else {
                throw Complaint(
                    description: "'\(command)': no \(what) within \(seconds) s; it said: \(output)\(errors)")
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
        return ContinuousClock.now - start
    }

    /// Waits until it has printed `text`.
    @discardableResult
    package func wait(forOutput text: String, within seconds: Double = 120) throws -> Duration {
        try wait(for: "'\(text)'", within: seconds) {
            if output.contains(text) { return true }
            guard process.isRunning else {
                throw Complaint(description: "'\(command)' ended without '\(text)'; it said: \(output)\(errors)")
            }
            return false
        }
    }

    /// Waits for its end.
    package func end(within seconds: Double = 120) throws -> Ended {
        try wait(for: "end", within: seconds) { !process.isRunning }
        let bySignal = process.terminationReason == .uncaughtSignal
        return Ended(
            status: process.terminationStatus + (bySignal ? 128 : 0), output: output, errors: errors)
    }
}
