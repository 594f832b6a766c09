import Foundation
import Journal
import Testing

/// Real processes in virtual boxes.
///
/// Each scenario's LoRA must be, bit for bit, that of a run which nothing disturbed.
@Suite(PrintsFaultTable(), .enabled(if: Lab.impossible == nil, "\(Lab.impossible ?? "")"))
struct `The lab` {}

/// So many scenarios at a time; more would only wait for the processor.
actor Seats {
    static let shared = Seats(
        ProcessInfo.processInfo.environment["DANLU_LAB_SEATS"].flatMap(Int.init)
            ?? max(2, ProcessInfo.processInfo.activeProcessorCount))
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private init(_ count: Int) { free = count }

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func give() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

/// Runs one scenario when it has a seat, and takes its boxes down.
///
/// - Parameter boxes: the workers' boxes; the coordinator has one of its own.
func scenario(
    _ title: String, boxes: [String] = ["box1", "box2", "box3"], rate: Rate = .gigabit,
    recipe: LabRecipe = LabRecipe(), _ body: (Cluster) async throws -> Void
) async throws {
    await Seats.shared.take()
    let result: Result<Void, any Error>
    do {
        try await SharedKeys.shared.make()
        try await SharedCache.shared.fill()
        let cluster = try Cluster(title, boxes: boxes, rate: rate, recipe: recipe)
        do {
            result = .success(try await body(cluster))
        } catch {
            result = .failure(error)
        }
        cluster.close()
    } catch {
        result = .failure(error)
    }
    await Seats.shared.give()
    try result.get()
}

extension Cluster {
    /// Notes what a fault cost that was done at `instant`.
    ///
    /// - Parameters:
    ///   - words: what the coordinator may say when it has noticed; none where there is nothing for it to notice.
    ///   - stepsLost: committed steps that were done again.
    ///   - bound: what is promised of the time to the next committed step.
    func cost(
        of fault: Fault, at instant: Sighting.Instant, stepsLost: Int = 0, within bound: Duration? = nil,
        noticed words: [String] = []
    ) throws {
        let noticed = words.compactMap { sighting.line(with: $0, after: instant) }.min()
        #expect(words.isEmpty || noticed != nil, "the coordinator never said '\(words.joined(separator: "' or '"))'")
        let recovered = try #require(sighting.commit(after: instant), "no step was committed after it")
        let cost = FaultCost(
            detection: noticed.map { $0 - instant }, recovery: recovered.at - instant, stepsLost: stepsLost,
            samplesLost: sighting.count(of: "the step goes on without slot"))
        if let bound { #expect(cost.recovery <= bound, "\(fault.rawValue): more than \(bound)") }
        FaultTable.add(cost, of: fault)
        say("\(fault.rawValue): | \(cost.columns)")
    }

    /// What the coordinator may say when a worker does not do what it was asked to, or is gone; of nobody else.
    func notices(of box: String) throws -> [String] {
        let joined = try #require(sighting.last(with: "(\(box)) joined"), "\(box) never joined")
        let number = try #require(joined.firstMatch(of: /worker \d+/), "\(joined)").0
        return ["\(number) (\(box)) is gone", "\(number) is late with"]
    }

    /// How many slots of each committed step, from 1, came from a worker.
    func slots(of worker: String) throws -> [Int] {
        let reader = try JournalReader(run: lab.folder.appending(path: "out"))
        let shares = try reader.shares(steps: 0...reader.totalSteps)
        let steps = (shares.map(\.step).max() ?? -1) + 1
        return (0..<steps).map { step in
            shares.first { $0.step == step && $0.worker == worker }?.slots ?? 0
        }
    }
}
