import Foundation
import Journal

/// All that the page shows of a run, as last read from its folder and as its coordinator said.
///
/// Bounded in size, however long the run and however many its workers.
struct RunReading: Sendable {
    /// Workers that have a row or a label of their own.
    static let workerLimit = 64
    static let stayLimit = 400
    static let eventLimit = 200
    /// Steps over which workers' times are averaged, and rows that are read for that at most.
    private static let workSteps = 20
    private static let workRows = 20_000

    private(set) var pulse: JournalReader.Pulse?
    private(set) var table = StepTable()
    /// The last step alone.
    private(set) var latest: JournalReader.Bucket?
    private(set) var validation = ValidationView()
    private(set) var work = WorkView()
    private(set) var stays = StaysView()
    private(set) var events: [JournalReader.Event] = []
    /// The events that the last ``refresh(run:)`` brought; nil when all are new.
    private(set) var freshEvents: [JournalReader.Event]? = []
    private(set) var samples: SamplesView?
    /// The pictures' folder as it was when they were read; nil while it may change again within the same instant.
    private var samplesStamp: Date?
    /// What cannot be read, a sentence each.
    private(set) var problems: [String] = []
    var live: LiveStatus?

    /// Reads what has changed; what cannot be read stays as it was, and is said.
    mutating func refresh(run: URL) {
        problems = []
        freshEvents = []
        refreshSamples(run: run)
        do {
            // Opened each time: the file may have been replaced, and nothing keeps its writer from closing it.
            try refresh(JournalReader(run: run))
        } catch {
            problems.append("\(error)")
        }
    }

    private mutating func refreshSamples(run: URL) {
        let stamp = SamplesView.stamp(ofRun: run)
        guard samples == nil || stamp == nil || stamp != samplesStamp else { return }
        // Files' times are coarse: what comes just now may leave no trace.
        samplesStamp = stamp.flatMap { Date().timeIntervalSince($0) > 2 ? $0 : nil }
        samples = SamplesView(ofRun: run)
    }

    private mutating func refresh(_ reader: JournalReader) {
        let before = pulse
        attempt { reading throws(JournalError) in reading.pulse = try reader.pulse() }
        guard problems.isEmpty, let pulse else {
            // A damaged part of the file does not hide the others.
            attempt { reading throws(JournalError) in try reading.readEvents(reader, isSameRun: false) }
            return
        }
        let isSameRun = before?.run == pulse.run
        if !isSameRun { (work, stays) = (WorkView(), StaysView()) }
        attempt { reading throws(JournalError) in
            try reading.table.refresh(reader, to: pulse, isSameRun: isSameRun)
        }
        attempt { reading throws(JournalError) in
            guard !isSameRun || before?.time != pulse.time else { return }
            reading.latest = try pulse.lastStep.flatMap { step throws(JournalError) in
                try reader.buckets(from: step, stride: 1).first
            }
        }
        attempt { reading throws(JournalError) in
            // A step that is done changes none; going back to an earlier one may.
            let isOld =
                before?.lastValidation == pulse.lastValidation && before?.lives == pulse.lives
                && before?.lastStep ?? -1 <= pulse.lastStep ?? -1
            guard !isSameRun || !isOld else { return }
            reading.validation = try ValidationView(reader)
        }
        attempt { reading throws(JournalError) in
            guard !isSameRun || before?.lastEvent != pulse.lastEvent else { return }
            try reading.readEvents(reader, isSameRun: isSameRun && before?.lastEvent ?? 0 <= pulse.lastEvent)
        }
        let isPeopleSame =
            isSameRun && before?.lastStay == pulse.lastStay && before?.present == pulse.present
            && before?.lives == pulse.lives
        attempt { reading throws(JournalError) in
            guard !isPeopleSame else { return }
            reading.stays = StaysView(try reader.stays(limit: Self.stayLimit))
        }
        attempt { reading throws(JournalError) in
            guard !isPeopleSame || before?.time != pulse.time else { return }
            let present = try reader.present(limit: Self.workerLimit)
            var view = WorkView(present: present, presentCount: pulse.present)
            if let last = pulse.lastStep {
                let steps = max(1, min(Self.workSteps, Self.workRows / max(1, pulse.present)))
                let range = max(0, last - steps + 1)...last
                view.take(try reader.work(in: range, limit: Self.workerLimit), of: range)
            }
            reading.work = view
        }
    }

    private mutating func readEvents(_ reader: JournalReader, isSameRun: Bool) throws(JournalError) {
        if isSameRun, let last = events.last {
            let new = try reader.events(after: last.id, limit: 10_000).suffix(Self.eventLimit)
            freshEvents = Array(new)
            events = (events + new).suffix(Self.eventLimit)
        } else {
            events = try reader.events(limit: Self.eventLimit)
            freshEvents = nil
        }
    }

    private mutating func attempt(_ part: (inout Self) throws(JournalError) -> Void) {
        do {
            try part(&self)
        } catch {
            let sentence = "\(error)"
            if !problems.contains(sentence) { problems.append(sentence) }
        }
    }
}

/// Who works, and where the time of the last steps went.
struct WorkView: Codable, Equatable, Sendable {
    struct Row: Codable, Equatable, Sendable {
        var name: String
        /// Steps of the window that it had a part in.
        var steps: Int
        var slots: Int
        var samples: Int
        /// A second of computing; nil before the first.
        var samplesPerSecond: Double?
        /// Mean seconds of a step, by what they went to: `compute`, `broadcast`, `send`, `wait`.
        var split: [String: Double]
    }

    /// Those that are in, some of them at most, and how many there are.
    var present: [String] = []
    var presentCount = 0
    /// The steps that the rows speak of.
    var firstStep: Int?
    var lastStep: Int?
    /// Those of the most seconds, by name, and how many there are.
    var rows: [Row] = []
    var rowCount = 0
    /// The coordinator's mean seconds of a step, by name.
    var coordinator: [String: Double] = [:]

    init() {}

    init(present: [String], presentCount: Int) {
        self.present = present
        self.presentCount = presentCount
    }

    mutating func take(
        _ found: (workers: [JournalReader.Work], count: Int, coordinator: [String: Double]), of steps: ClosedRange<Int>
    ) {
        (firstStep, lastStep, rowCount) = (steps.lowerBound, steps.upperBound, found.count)
        rows = found.workers.map { work in
            let steps = Double(max(1, work.steps))
            return Row(
                name: work.worker, steps: work.steps, slots: work.slots, samples: work.samples,
                samplesPerSecond: work.seconds > 0 ? Double(work.samples) / work.seconds : nil,
                split: work.spans.merging(["compute": work.seconds]) { $1 }.mapValues { $0 / steps })
        }
        coordinator = found.coordinator.mapValues { $0 / Double(steps.count) }
    }
}

/// Who was in when.
struct StaysView: Codable, Equatable, Sendable {
    struct Stay: Codable, Equatable, Sendable {
        var worker: String
        /// Seconds since 1970.
        var joined: Double
        var left: Double?
        var reason: String?
    }

    var stays: [Stay] = []

    init() {}

    init(_ stays: [JournalReader.Stay]) {
        self.stays = stays.map {
            Stay(
                worker: $0.worker, joined: $0.joined.timeIntervalSince1970, left: $0.left?.timeIntervalSince1970,
                reason: $0.reason)
        }
    }
}
