import Foundation
import Launching
import Synchronization

/// Worker processes on the coordinator's own box: started, started again when they die, and ended.
final class LocalWorkers: Sendable {
    private struct State {
        /// Those that have not been buried.
        var processes: [Int: pid_t] = [:]
        var deaths: [Int: Int] = [:]
        var isEnding = false
        var failure: String?
    }

    private let count: Int
    private let address: String
    private let device: String
    private let logs: URL
    private let state = Mutex(State())
    /// Deaths of one worker after which it is not started again.
    private static let patience = 3

    /// - Parameters:
    ///   - device: as the recipe says it; `cuda` devices are dealt out in turn.
    ///   - logs: the folder for what the workers say.
    init(count: Int, address: String, device: String, logs: URL) {
        self.count = count
        self.address = address
        self.device = device
        self.logs = logs
    }

    /// Why the last worker could not go on, when none is left.
    var failure: String? { state.withLock { $0.failure } }

    /// - Parameter gaveUp: called with a sentence when no worker is left.
    func start(gaveUp: @escaping @Sendable (String) -> Void) throws {
        for number in 1...max(1, count) where count > 0 { try launch(number, gaveUp: gaveUp) }
    }

    private func launch(_ number: Int, gaveUp: @escaping @Sendable (String) -> Void) throws {
        let log = logs.appending(path: "worker-\(number).log")
        guard FileManager.default.createFile(atPath: log.path, contents: nil) else {
            throw Failure("\(log.path) cannot be written: choose another output_dir")
        }
        let (nothing, output) = (FileHandle.nullDevice, try FileHandle(forWritingTo: log))
        let process = try Spawn.start(
            Program.path.path,
            ["work", address, "--name", "local-\(number)", "--device", device, "--local", "\(getpid())"],
            input: nothing.fileDescriptor, output: output.fileDescriptor)
        try output.close()
        state.withLock { $0.processes[number] = process }
        let thread = Thread { [self] in
            Spawn.wait(for: process)
            // Nobody signals it between its burial and its being struck off.
            let status = state.withLock { state in
                state.processes[number] = nil
                return Spawn.bury(process)
            }
            ended(number, status: status, log: log, gaveUp: gaveUp)
        }
        thread.name = "local worker \(number)"
        thread.start()
    }

    private func ended(_ number: Int, status: Int32, log: URL, gaveUp: @escaping @Sendable (String) -> Void) {
        let again = state.withLock { state -> Bool? in
            guard !state.isEnding, status != 0 else { return nil }
            state.deaths[number, default: 0] += 1
            return state.deaths[number, default: 0] < Self.patience
        }
        guard let again else { return }
        let last = lastLine(of: log)
        if again {
            Thread.sleep(forTimeInterval: 1)
            try? launch(number, gaveUp: gaveUp)
        } else if state.withLock({ $0.processes.isEmpty }) {
            let sentence = last ?? "every worker ended with status \(status); see \(log.path)"
            state.withLock { $0.failure = sentence }
            gaveUp(sentence)
        }
    }

    private func lastLine(of log: URL) -> String? {
        let lines = (try? String(contentsOf: log, encoding: .utf8))?.split(separator: "\n") ?? []
        return lines.last { $0.hasPrefix("Error: ") }.map { String($0.dropFirst(7)) }
    }

    /// Waits a moment for the workers to leave by themselves, then ends them.
    func end() {
        state.withLock { $0.isEnding = true }
        let deadline = ContinuousClock.now + .seconds(5)
        while state.withLock({ !$0.processes.isEmpty }), ContinuousClock.now < deadline {
            Thread.sleep(forTimeInterval: 0.05)
        }
        state.withLock { for process in $0.processes.values { kill(process, SIGTERM) } }
    }
}
