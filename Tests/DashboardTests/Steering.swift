import Synchronization

@testable import Dashboard

/// A coordinator as the dashboard sees it: says how it stands, and remembers what it was asked for.
final class Steering: Sendable {
    private struct State {
        var status: LiveStatus?
        var asked: [RunControls.Operation] = []
    }
    private let state = Mutex(State())

    init(_ names: String...) {
        state.withLock { $0.status = Self.computing(names) }
    }

    static func computing(_ names: [String]) -> LiveStatus {
        LiveStatus(
            state: "computing", sentence: "step 3: waiting for \(names.joined(separator: ", "))",
            workers: names.map {
                LiveStatus.Worker(name: $0, activity: "computing", lastSeen: 0.1, isSuspect: false, isLeaving: false)
            })
    }

    var asked: [RunControls.Operation] { state.withLock { $0.asked } }

    /// nil is a coordinator that does not answer.
    func say(_ status: LiveStatus?) { state.withLock { $0.status = status } }

    var controls: RunControls {
        RunControls {
            self.state.withLock { $0.status }
        } perform: { operation in
            self.state.withLock { state in
                state.asked.append(operation)
                if operation == .pause { state.status?.state = "paused" }
                return RunControls.Outcome(isDone: true, sentence: "done: \(operation)")
            }
        }
    }
}
