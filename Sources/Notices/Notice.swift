package import Foundation

/// Something that somebody who is not watching would like to hear of a run.
package struct Notice: Equatable, Sendable {
    package enum Event: String, Sendable {
        /// All steps are done.
        case done
        /// The run ended before, and not because it was asked to.
        case failed
        /// A worker went that was not asked to.
        case workerLost = "worker_lost"
        /// A loss or gradient was no number wherever it was computed.
        case notANumber = "not_a_number"
    }

    /// The longest sentence, in characters.
    static let longest = 2000

    package var event: Event
    package var sentence: String
    /// The run's name, and its folder.
    package var run: String
    package var folder: String
    package var host: String
    /// Steps done.
    package var step: Int
    package var totalSteps: Int
    /// Whom it is about, if anybody.
    package var worker: String?
    package var time: Date

    /// - Parameter sentence: what is longer than 2,000 characters is cut.
    package init(
        _ event: Event, _ sentence: String, run: String, folder: String, host: String, step: Int, totalSteps: Int,
        worker: String? = nil, time: Date = Date()
    ) {
        self.event = event
        self.sentence = String(sentence.prefix(Self.longest))
        self.run = run
        self.folder = folder
        self.host = host
        self.step = step
        self.totalSteps = totalSteps
        self.worker = worker
        self.time = time
    }

    /// What a chat shows: which run on which box, and what.
    package var text: String { "\(run) on \(host): \(sentence)" }

    /// The facts, each under its name.
    private var facts: [(name: String, value: any Sendable)] {
        var facts: [(String, any Sendable)] = [
            ("event", event.rawValue), ("text", text), ("run", run), ("folder", folder), ("host", host), ("step", step),
            ("total_steps", totalSteps), ("time", time.formatted(.iso8601)),
        ]
        if let worker { facts.append(("worker", worker)) }
        return facts
    }

    /// A JSON object of the facts; `text` is there as `content` too, for chats that call it so.
    package var json: Data {
        get throws {
            var object = Dictionary(uniqueKeysWithValues: facts.map { ($0.name, $0.value as Any) })
            object["content"] = text
            return try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        }
    }

    /// The same facts as variables, for example `DANLU_EVENT` and `DANLU_TEXT`.
    package var environment: [String: String] {
        Dictionary(
            uniqueKeysWithValues: facts.map { fact in
                // What is behind a zero would be lost.
                ("DANLU_" + fact.name.uppercased(), "\(fact.value)".replacing("\0", with: "?"))
            })
    }
}
