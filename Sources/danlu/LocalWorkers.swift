import Foundation
import Synchronization

/// Worker processes on the coordinator's own box: started, started again when they die, and ended.
final class LocalWorkers: Sendable {
    private struct State {
        var processes: [Int: Process] = [:]
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
        let process = Process()
        process.executableURL = Program.path
        process.arguments = [
            "work", address, "--name", "local-\(number)", "--device", device, "--local", "\(getpid())",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: log)
        process.terminationHandler = { [self] process in
            ended(number, status: process.terminationStatus, log: log, gaveUp: gaveUp)
        }
        try process.run()
        state.withLock { $0.processes[number] = process }
    }

    private func ended(_ number: Int, status: Int32, log: URL, gaveUp: @escaping @Sendable (String) -> Void) {
        let again = state.withLock { state -> Bool? in
            state.processes[number] = nil
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
        for process in state.withLock({ Array($0.processes.values) }) { process.terminate() }
    }
}
