import Foundation
import Launching
import Synchronization

/// Several workers on this box, one for each device: processes of their own, which map the same model and share the cache.
///
/// What they say is passed on with their names in front; a signal to this process is one to all of them.
final class DeviceWorkers: Sendable {
    private struct State {
        var processes: [Int: ChildProcess] = [:]
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
                process.signal(state.awake.contains(number) ? SIGTERM : SIGKILL)
            }
        }
    }

    private func launch(_ number: Int) throws {
        let process = try ChildProcess(Program.path.path, arguments("\(name)/\(number)", devices[number]))
        let isLate = state.withLock { state in
            state.processes[number] = process
            state.awake.remove(number)
            return state.isEnding
        }
        if isLate { process.signal(SIGKILL) }
        let thread = Thread { [self] in
            var error: String?
            let status = process.run { line in
                state.withLock { _ = $0.awake.insert(number) }
                if line.hasPrefix("Error: ") { error = String(line.dropFirst(7)) }
                Console.error.line("\(name)/\(number): \(line)")
            }
            ended(number, status, error)
        }
        thread.name = "worker \(number)"
        thread.start()
    }

    /// - Parameter status: as a shell has it: 128 and more is a signal.
    private func ended(_ number: Int, _ status: Int32, _ error: String?) {
        let crashed = status > 128
        let again = state.withLock { state in
            state.processes[number] = nil
            guard crashed, !state.isEnding else { return false }
            state.crashes[number, default: 0] += 1
            return state.crashes[number, default: 0] < Self.patience
        }
        if again {
            Console.error.line("\(name)/\(number): killed by signal \(status - 128); started again")
            Thread.sleep(forTimeInterval: 1)
            do {
                try launch(number)
                return
            } catch {
                state.withLock { $0.failures[number] = "\(error)" }
            }
        } else if status != 0 {
            let how = crashed ? "killed by signal \(status - 128)" : "ended with status \(status)"
            state.withLock { state in
                if !(crashed && state.isEnding) { state.failures[number] = error ?? how }
            }
        }
        gone.signal()
    }
}
