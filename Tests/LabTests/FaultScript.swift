import Foundation
import ProgramSupport

/// When something is to happen, in a run's own terms; steps count from 1.
enum Moment: CustomStringConvertible {
    /// A step is being computed: the one before it is committed, its slots are leased out.
    case computing(step: Int)
    /// A box has sent so many bytes since that step began; of its gradient, where nothing of an earlier one is still on the
    /// way.
    case sending(step: Int, box: String, bytes: Int)
    /// The coordinator has begun to write that step's state.
    case saving(step: Int)
    /// That step's state is written; its weights have not gone out.
    case saved(step: Int)
    /// So long after what was done last.
    case after(seconds: Double)
    /// The coordinator has printed a line with this text since the fault before.
    case said(String)

    var description: String {
        switch self {
        case .computing(let step): "step \(step), computing"
        case .sending(let step, let box, let bytes): "step \(step), \(box) has sent \(bytes / 1000) kB"
        case .saving(let step): "step \(step), saving"
        case .saved(let step): "step \(step), saved but not sent"
        case .after(let seconds): "\(seconds) s later"
        case .said(let text): "'\(text)' was said"
        }
    }
}

/// What is done to a box or its process.
enum Action: CustomStringConvertible {
    /// A signal to the process in a box.
    case signal(Int32, String)
    case startCoordinator
    case startWorker(String)
    case unplug(String)
    case plug(String)
    case shape(String, Rate)
    /// So many packets of a hundred, each way.
    case lose(String, Int)
    /// A command of the operator's, given at the coordinator's box.
    case ask(String)
    /// Leaves no byte free where the run's folder is.
    case fillDisk
    case freeDisk
    /// The first no longer hears the second, which goes on hearing it.
    case deafen(String, to: String)
    case hear(String, String)

    static func kill(_ name: String) -> Action { .signal(SIGKILL, name) }
    static func stop(_ name: String) -> Action { .signal(SIGSTOP, name) }
    static func go(on name: String) -> Action { .signal(SIGCONT, name) }
    static func terminate(_ name: String) -> Action { .signal(SIGTERM, name) }

    var description: String {
        switch self {
        case .signal(let number, let name): "\(Self.names[number] ?? "signal \(number)") to \(name)"
        case .startCoordinator: "the coordinator starts"
        case .startWorker(let name): "a worker starts in \(name)"
        case .unplug(let name): "\(name)'s cable is pulled"
        case .plug(let name): "\(name)'s cable is plugged in"
        case .shape(let name, let rate): "\(name)'s cable carries \(rate)"
        case .lose(let name, let share): "\(name)'s cable loses \(share) packets of 100"
        case .deafen(let name, let other): "\(name) hears nothing of \(other)"
        case .ask(let command): "danlu \(command)"
        case .fillDisk: "the run's disk is full"
        case .freeDisk: "the run's disk has room again"
        case .hear(let name, let other): "\(name) hears \(other) again"
        }
    }

    private static let names = [
        SIGKILL: "kill -9", SIGSTOP: "SIGSTOP", SIGCONT: "SIGCONT", SIGTERM: "SIGTERM", SIGINT: "SIGINT",
    ]
}

extension Cluster {
    /// Does each thing at its moment, in this order.
    ///
    /// - Returns: when each was done.
    @discardableResult
    func play(_ script: KeyValuePairs<Moment, [Action]>) async throws -> [Sighting.Instant] {
        var times: [Sighting.Instant] = []
        for (moment, actions) in script {
            try await reach(moment, after: times.last ?? .now, actions)
            times.append(.now)
            say("\(moment): \(actions.map(\.description).joined(separator: ", "))")
        }
        return times
    }

    private func reach(_ moment: Moment, after last: Sighting.Instant, _ actions: [Action]) async throws {
        switch moment {
        case .computing(let step):
            try await wait(for: "\(moment)") { sighting.committed >= step - 1 ? () : nil }
        case .sending(let step, let name, let bytes):
            try await wait(for: "\(moment)") { sighting.committed >= step - 1 ? () : nil }
            let process = try process(name).identifier
            let before = Box.sentBytes(of: process)
            try await wait(for: "\(moment)") { Box.sentBytes(of: process) - before >= bytes ? () : nil }
        case .saving(let step), .saved(let step):
            try await strike(moment, step, actions)
            return
        case .after(let seconds):
            try await Task.sleep(until: last + .seconds(seconds))
        case .said(let text):
            _ = try await wait(for: "\(moment)") { sighting.line(with: text, after: last) }
        }
        for action in actions { try await perform(action) }
    }

    /// Signals the coordinator from the thread that sees the file: a moment later the moment is over.
    private func strike(_ moment: Moment, _ step: Int, _ actions: [Action]) async throws {
        let signals = try actions.map { action in
            guard case .signal(let number, let name) = action else {
                throw Launched.Complaint(description: "\(moment) is over before anything but a signal comes")
            }
            return (number, try process(name).identifier)
        }
        let event: Sighting.StateEvent
        if case .saving = moment {
            try await wait(for: "\(moment)") { sighting.committed >= step - 1 ? () : nil }
            event = .begun
        } else {
            event = .written(step)
        }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        sighting.at(event) {
            for (number, process) in signals { Foundation.kill(process, number) }
            continuation.finish()
        }
        for await _ in stream {}
    }

    private func perform(_ action: Action) async throws {
        switch action {
        case .signal(let number, let name): try process(name).signal(number)
        case .startCoordinator: try startCoordinator()
        case .startWorker(let name): try startWorker(name)
        case .unplug(let name): try box(name).unplug()
        case .plug(let name): try box(name).plug()
        case .shape(let name, let rate): try box(name).shape(rate)
        case .lose(let name, let share): try box(name).lose(share)
        case .deafen(let name, let other): try box(name).deafen(to: box(other))
        case .hear(let name, let other): try box(name).hear(box(other))
        case .ask(let command): try await ask(command)
        case .fillDisk: try fillDisk()
        case .freeDisk: try FileManager.default.removeItem(at: filler)
        }
    }
}
