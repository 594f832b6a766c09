import Foundation
import Journal
import Synchronization

/// What the page is told of.
enum Topic: String, CaseIterable, Sendable {
    case overview, steps, validation, work, stays, events, samples
}

/// Follows a run's folder on a thread of its own, and wakes whoever watches when something has changed.
///
/// What a watcher has not taken yet is never queued: it is told that there is news, and then asks for what it lacks.
final class RunWatch: Sendable {
    /// How many may watch at one time.
    static let watcherLimit = 64

    private struct State {
        var reading = RunReading()
        var overview: RunOverview?
        var revisions: [Topic: Int] = [:]
        var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextWatcher: UInt64 = 0
        var isOver = false
    }

    let run: URL
    private let controls: RunControls?
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let wakeStatus = DispatchSemaphore(value: 0)

    init(run: URL, controls: RunControls?) {
        self.run = run
        self.controls = controls
    }

    /// Reads for the first time, and goes on until ``stop()``.
    func start() {
        refresh()
        follow(wake, every: (watched: 0.5, unwatched: 5)) { $0.refresh() }
        guard controls != nil else { return }
        follow(wakeStatus, every: (watched: 1, unwatched: 15)) { $0.askForStatus() }
    }

    private func follow(
        _ wake: DispatchSemaphore, every seconds: (watched: Double, unwatched: Double),
        _ act: @escaping @Sendable (RunWatch) -> Void
    ) {
        let thread = Thread { [weak self] in
            while let self {
                let (isOver, isWatched) = state.withLock { ($0.isOver, !$0.watchers.isEmpty) }
                if isOver { return }
                act(self)
                _ = wake.wait(timeout: .now() + (isWatched ? seconds.watched : seconds.unwatched))
            }
        }
        thread.name = "danlu.dashboard"
        thread.start()
    }

    /// Ends the threads, and every watcher's stream.
    func stop() {
        let watchers = state.withLock { state in
            state.isOver = true
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.finish() }
        wake.signal()
        wakeStatus.signal()
    }

    // MARK: - Watching

    /// A stream that says when there is news, for as long as somebody reads it; nil when too many do.
    func watch() -> AsyncStream<Void>? {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> UInt64? in
            guard !state.isOver, state.watchers.count < Self.watcherLimit else { return nil }
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = continuation
            return state.nextWatcher
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: number) }
        }
        continuation.yield()
        wake.signal()
        wakeStatus.signal()
        return stream
    }

    /// The watchers there are.
    var watcherCount: Int { state.withLock { $0.watchers.count } }

    /// What is new since `known`, which is brought up to date; JSON by topic.
    func news(since known: inout [Topic: Int]) throws -> [(topic: Topic, json: String)] {
        let (reading, overview, revisions) = state.withLock { ($0.reading, $0.overview, $0.revisions) }
        let encoder = JSONEncoder()
        var news: [(Topic, String)] = []
        for topic in Topic.allCases {
            guard let revision = revisions[topic], known[topic] != revision else { continue }
            let isNext = known[topic] == revision - 1
            known[topic] = revision
            let data =
                switch topic {
                case .overview: try encoder.encode(overview)
                case .steps: try encoder.encode(reading.table.columns(from: isNext ? reading.table.freshStep ?? 0 : 0))
                case .validation: try encoder.encode(reading.validation)
                case .work: try encoder.encode(reading.work)
                case .stays: try encoder.encode(reading.stays)
                case .events:
                    try encoder.encode(
                        EventsView(
                            isNext ? reading.freshEvents ?? reading.events : reading.events,
                            isAll: !isNext || reading.freshEvents == nil))
                case .samples: try encoder.encode(reading.samples)
                }
            news.append((topic, String(decoding: data, as: UTF8.self)))
        }
        return news
    }

    /// The last reading: some seconds old at most.
    var reading: RunReading { state.withLock { $0.reading } }

    // MARK: - Reading

    private func refresh() {
        let before = state.withLock { $0.reading }
        var reading = before
        reading.refresh(run: run)
        publish { state in
            reading.live = state.reading.live
            state.reading = reading
            var changed: [Topic] = []
            if reading.table.freshStep != nil { changed.append(.steps) }
            if reading.validation != before.validation { changed.append(.validation) }
            if reading.work != before.work { changed.append(.work) }
            if reading.stays != before.stays { changed.append(.stays) }
            if reading.freshEvents?.isEmpty != true { changed.append(.events) }
            if reading.samples != before.samples { changed.append(.samples) }
            return changed
        }
    }

    private func askForStatus() {
        let live = controls?.status()
        publish { state in
            state.reading.live = live
            return []
        }
    }

    private func publish(_ change: (inout State) -> [Topic]) {
        let watchers = state.withLock { state in
            var changed = change(&state)
            let overview = RunOverview(state.reading)
            if overview != state.overview {
                state.overview = overview
                changed.append(.overview)
            }
            for topic in changed { state.revisions[topic, default: 0] += 1 }
            return changed.isEmpty ? [] : Array(state.watchers.values)
        }
        for watcher in watchers { watcher.yield() }
    }
}

/// Events as the page is told them.
struct EventsView: Encodable {
    struct Row: Encodable {
        var id: Int64
        var time: Double
        var step: Int?
        var kind: String
        var worker: String?
        var sentence: String
    }

    /// Whether earlier ones are to be forgotten.
    var isAll: Bool
    var rows: [Row]

    init(_ events: [JournalReader.Event], isAll: Bool) {
        self.isAll = isAll
        rows = events.map {
            Row(
                id: $0.id, time: $0.time.timeIntervalSince1970, step: $0.step, kind: $0.kind, worker: $0.worker,
                sentence: String($0.sentence.prefix(2000)))
        }
    }
}
