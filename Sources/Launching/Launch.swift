import Foundation
import Synchronization

/// A coordinator here and a worker on each box, from start to end.
package final class Launch: Sendable {
    private let coordinator: [String]
    private let sessions: [BoxSession]
    private let farewell: Duration
    private let say: @Sendable (_ name: String, _ line: String) -> Void
    private struct State {
        var coordinator: ChildProcess?
        var interruptions = 0
    }
    private let state = Mutex(State())

    /// How the coordinator is called in front of its lines.
    package static let coordinatorName = "coordinator"

    /// - Parameters:
    ///   - coordinator: the words that start it, the program first.
    ///   - port: where it listens.
    ///   - key: the text of a worker's key file, nil without keys; called by several threads.
    ///   - farewell: how long workers that the coordinator has dismissed may take to leave before they are told.
    ///   - say: gets every line with the name of the box that it is from; called by several threads.
    package init(
        _ file: HostsFile, archive: BundleArchive, coordinator: [String], port: Int,
        farewell: Duration = .seconds(5), key: @escaping @Sendable (_ name: String) throws -> String?,
        say: @escaping @Sendable (_ name: String, _ line: String) -> Void
    ) {
        self.coordinator = coordinator
        self.say = say
        self.farewell = farewell
        let orders = BoxSession.Orders(archive: archive, coordinator: file.coordinator, port: port, key: key)
        sessions = file.hosts.map { box in
            BoxSession(box, orders: orders) { say(box.name, $0) }
        }
    }

    /// Runs until the coordinator has ended and every box's worker with it.
    ///
    /// - Returns: the coordinator's status; nil when it was ended because no box could be given a worker.
    /// - Throws: where the coordinator does not even start.
    package func run() throws -> Int32? {
        let process = try ChildProcess(coordinator[0], Array(coordinator.dropFirst()))
        state.withLock { $0.coordinator = process }
        let boxes = DispatchGroup()
        let hopeless = Mutex(0)
        let gaveUp = Mutex(false)
        for session in sessions {
            boxes.enter()
            let thread = Thread { [sessions] in
                if !session.run() {
                    let all = hopeless.withLock {
                        $0 += 1
                        return $0 == sessions.count
                    }
                    if all {
                        gaveUp.withLock { $0 = true }
                        process.signal(SIGINT)
                    }
                }
                boxes.leave()
            }
            thread.name = session.box.name
            thread.start()
        }
        let status = process.run { say(Self.coordinatorName, $0) }
        // Workers leave by themselves when the coordinator dismisses them; the others are told, then cut off.
        if boxes.wait(timeout: .now() + farewell.inSeconds) == .timedOut {
            for session in sessions { session.end() }
            if boxes.wait(timeout: .now() + Delivery.grace.inSeconds + 5) == .timedOut {
                for session in sessions { session.cut() }
                boxes.wait()
            }
        }
        return gaveUp.withLock { $0 } ? nil : status
    }

    /// Tells the coordinator to save and end; workers follow it.
    ///
    /// A second call hastens it.
    package func stop() {
        state.withLock { $0.coordinator }?.signal(SIGINT)
    }
}

extension Duration {
    var inSeconds: Double { self / .seconds(1) }
}
