import Foundation
import Synchronization

/// Takes what a page asks of a run to the coordinator, off the threads that serve pages.
final class ControlDesk: Sendable {
    /// What may be asked for and not yet be done, at one time.
    private static let limit = 8

    private let controls: RunControls
    private let open = Mutex(0)

    init(controls: RunControls) {
        self.controls = controls
    }

    /// What a page sends.
    struct Request: Decodable {
        var operation: String
        var worker: String?

        /// nil for what is no operation.
        var meaning: RunControls.Operation? {
            switch (operation, worker) {
            case ("pause", nil): .pause
            case ("resume", nil): .resume
            case ("save", nil): .save
            case ("drain", let worker?) where !worker.isEmpty && worker.utf8.count <= 256: .drain(worker: worker)
            default: nil
            }
        }
    }

    /// - Returns: nil when too much is asked for already.
    func perform(_ operation: RunControls.Operation) async -> RunControls.Outcome? {
        let isTaken = open.withLock { open in
            guard open < Self.limit else { return false }
            open += 1
            return true
        }
        guard isTaken else { return nil }
        defer { open.withLock { $0 -= 1 } }
        return await withCheckedContinuation { continuation in
            let thread = Thread { [controls] in continuation.resume(returning: controls.perform(operation)) }
            thread.name = "danlu.dashboard.control"
            thread.start()
        }
    }
}
