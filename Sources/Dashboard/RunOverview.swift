import Foundation
import Journal

/// How a run stands, in the page's head.
struct RunOverview: Codable, Equatable, Sendable {
    var run: String
    var recipe: String
    /// The LoRA's name; empty where nobody has said it.
    var name: String
    /// Steps that are done, and all of them.
    var steps: Int
    var totalSteps: Int
    /// From 1.
    var epoch: Int?
    /// When the last step was done, in seconds since 1970.
    var time: Double?
    /// `computing`, `paused`…; `complete`, `stopped`, `failed` of a run that is over; `silent` when it ought to run and
    /// nobody answers.
    var state: String
    var sentence: String
    /// Whether a coordinator answers, so that it can be asked for something.
    var isLive: Bool
    /// Starts of the coordinator, and when the last was, in seconds since 1970.
    var lives: Int
    var began: Double?
    var version: String?
    var problems: [String]
    var workers: [LiveStatus.Worker]
    /// How many there are, of whom ``workers`` are the first.
    var workerCount: Int

    init(_ reading: RunReading) {
        let pulse = reading.pulse
        (run, recipe, name) = (pulse?.run ?? "", pulse?.recipe ?? "", pulse?.name ?? "")
        (steps, totalSteps) = ((pulse?.lastStep ?? -1) + 1, pulse?.totalSteps ?? 0)
        epoch = pulse?.epoch.map { $0 + 1 }
        time = pulse?.time?.timeIntervalSince1970
        lives = pulse?.lives ?? 0
        began = pulse?.life?.began.timeIntervalSince1970
        version = pulse?.life?.version
        problems = reading.problems
        isLive = reading.live != nil
        workers = Array((reading.live?.workers ?? []).prefix(RunReading.workerLimit))
        workerCount = reading.live?.workers.count ?? 0
        (state, sentence) = Self.standing(reading)
    }

    private static func standing(_ reading: RunReading) -> (state: String, sentence: String) {
        if let live = reading.live { return (live.state, live.sentence) }
        guard let life = reading.pulse?.life else { return ("silent", "nothing has been written down yet") }
        guard let outcome = life.outcome else {
            return (
                "silent",
                "no coordinator answers: it starts, or was killed; the command that started the run goes on from its last state"
            )
        }
        let word = outcome.prefix { $0 != ":" }
        let reason = outcome.dropFirst(word.count + 2)
        switch word {
        case "complete": return ("complete", "the run is complete")
        case "stopped":
            return ("stopped", "the run was stopped (\(reason)); the command that started it goes on from there")
        default: return ("failed", reason.isEmpty ? "the run has failed" : String(reason))
        }
    }
}
