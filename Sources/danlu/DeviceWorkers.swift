import Foundation
import Synchronization

/// Several workers on this box, one for each device: processes of their own, which map the same model and share the cache.
///
/// What they say is passed on with their names in front; a signal to this process is one to all of them.
final class DeviceWorkers: Sendable {
    private struct State {
        var processes: [Int: Process] = [:]
        var crashes: [Int: Int] = [:]
        var failures: [Int: String] = [:]
        /// Those that have said something: only they answer signals yet.
        var awake: Set<Int> = []
        var isEnding = false
    }

    private let devices: [String]
    private let name: String
    private let arguments: @Sendable (_ name: String, _ device: String) -> [String]
    private let state = Mutex(State())
    private let gone = DispatchSemaphore(value: 0)
    /// Crashes of one worker after which it is not started again.
    private static let patience = 3

    /// - Parameters:
    ///   - name: of all; each has a number behind it.
    ///   - arguments: of the program, for a worker of this name on this device.
    init(
        devices: [String], name: String, arguments: @escaping @Sendable (_ name: String, _ device: String) -> [String]
    ) {
        self.devices = devices
        self.name = name
        self.arguments = arguments
    }

    /// Runs them all to their end.
    ///
    /// - Throws: ``Failure`` with what the first that failed said.
    func run() throws {
        Interruption.handle { [self] in
            state.withLock { $0.isEnding = true }
            end()
        }
        do {
            for number in devices.indices { try launch(number) }
        } catch {
            end()
            throw error
        }
        for _ in devices { gone.wait() }
        let failures = state.withLock { $0.failures }
        guard let first = failures.min(by: { $0.key < $1.key }) else { return }
        throw Failure(
            "\(failures.count) of \(devices.count) workers failed; \(name)/\(first.key): \(first.value)")
    }

    /// Asks all to leave; one that has not begun has nothing to finish.
    private func end() {
        state.withLock { state in
            for (number, process) in state.processes {
                kill(process.processIdentifier, state.awake.contains(number) ? SIGTERM : SIGKILL)
            }
        }
    }

    private func launch(_ number: Int) throws {
        let process = Process()
        process.executableURL = Program.path
        process.arguments = arguments("\(name)/\(number)", devices[number])
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let isLate = state.withLock { state in
            state.processes[number] = process
            state.awake.remove(number)
            return state.isEnding
        }
        if isLate { kill(process.processIdentifier, SIGKILL) }
        let thread = Thread { [self] in
            let last = passOn(pipe.fileHandleForReading, of: number)
            process.waitUntilExit()
            ended(process, number, last)
        }
        thread.name = "worker \(number)"
        thread.start()
    }

    /// Copies lines until there are no more.
    ///
    /// - Returns: the last one that tells of an error.
    private func passOn(_ handle: FileHandle, of number: Int) -> String? {
        var rest: [UInt8] = []
        var error: String?
        func say(_ line: some Sequence<UInt8>) {
            let line = String(decoding: Array(line), as: UTF8.self)
            state.withLock { _ = $0.awake.insert(number) }
            if line.hasPrefix("Error: ") { error = String(line.dropFirst(7)) }
            Console.error.line("\(name)/\(number): \(line)")
        }
        while true {
            let data = handle.availableData
            if data.isEmpty { break }
            rest += data
            while let end = rest.firstIndex(of: 10) {
                say(rest[..<end])
                rest.removeFirst(end + 1)
            }
        }
        if !rest.isEmpty { say(rest) }
        return error
    }

    private func ended(_ process: Process, _ number: Int, _ error: String?) {
        let crashed = process.terminationReason == .uncaughtSignal
        let again = state.withLock { state in
            state.processes[number] = nil
            guard crashed, !state.isEnding else { return false }
            state.crashes[number, default: 0] += 1
            return state.crashes[number, default: 0] < Self.patience
        }
        if again {
            Console.error.line("\(name)/\(number): killed by signal \(process.terminationStatus); started again")
            Thread.sleep(forTimeInterval: 1)
            do {
                try launch(number)
                return
            } catch {
                state.withLock { $0.failures[number] = "\(error)" }
            }
        } else if crashed || process.terminationStatus != 0 {
            let how = crashed ? "killed by signal" : "ended with status"
            state.withLock { state in
                if !(crashed && state.isEnding) {
                    state.failures[number] = error ?? "\(how) \(process.terminationStatus)"
                }
            }
        }
        gone.signal()
    }
}
