package import Foundation
import GRDB

/// Reads a run's journal, while the run goes on or when it is long over.
///
/// Every answer is bounded: series are decimated in the database, lists have a limit. May be used from any thread.
package final class JournalReader: Sendable {
    package let path: String
    let database: DatabaseQueue

    /// - Parameter run: the run's directory.
    /// - Throws: ``JournalError``: none is there, it is damaged, or of another version.
    package init(run: URL) throws(JournalError) {
        path = JournalFile(run: run).path
        guard FileManager.default.fileExists(atPath: path) else { throw .missing(path) }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.label = "danlu.journal.reader"
        configuration.busyMode = .timeout(5)
        do {
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.read { [path] in
                try Schema.check($0, path: path)
                try Schema.understand($0)
            }
        } catch {
            throw JournalError(error, path: path)
        }
    }

    /// Runs queries that see one instant of the run.
    func read<Answer>(_ query: (Database) throws -> Answer) throws(JournalError) -> Answer {
        do {
            return try database.read(query)
        } catch {
            throw JournalError(error, path: path)
        }
    }

    /// Paths of earlier journals of the run, which were damaged and set aside.
    package var damaged: [String] { JournalFile(path: path).aside }

    /// The step at which this journal begins: above 0 when it took the place of one that was damaged.
    package var begins: Int {
        get throws(JournalError) {
            try read { try Int.fetchOne($0, sql: "SELECT first_step FROM lives ORDER BY life LIMIT 1") ?? 0 }
        }
    }

    /// The run's steps; cheaper than ``overview(lives:)``, which counts those that are done.
    package var totalSteps: Int {
        get throws(JournalError) { try read { try Int.fetchOne($0, sql: "SELECT total_steps FROM run") ?? 0 } }
    }

    /// Where a run is.
    package struct Overview: Equatable, Sendable {
        /// The run's name, and its recipe's hash.
        package var run: String
        package var recipe: String
        /// `output_name`, and the plan as it was printed; empty in journals of earlier programs.
        package var name: String
        package var plan: String
        package var totalSteps: Int
        /// Steps written down, those to be done again not counted.
        package var steps: Int
        /// The number of the last of them.
        package var lastStep: Int?
        /// Starts of the coordinator.
        package var lives: [Life]
    }

    /// One life of the coordinator.
    package struct Life: Equatable, Sendable {
        package var began: Date
        /// nil while it lives, and when it was killed.
        package var ended: Date?
        /// Of the program.
        package var version: String
        package var incarnation: UInt64
        package var firstStep: Int
        package var outcome: String?
    }

    /// The run, and the last `limit` lives of its coordinator, oldest first.
    ///
    /// Counts all steps; ``pulse()`` is what may be asked again and again.
    package func overview(lives limit: Int = 100) throws(JournalError) -> Overview {
        try read { database in
            let run = try Row.fetchOne(database, sql: "SELECT * FROM run")
            let lives = try Row.fetchAll(
                database, sql: "SELECT * FROM lives ORDER BY life DESC LIMIT ?", arguments: [limit])
            let steps = try Row.fetchOne(
                database, sql: "SELECT count(*) AS count, max(step) AS last FROM steps WHERE superseded = 0")
            return Overview(
                run: run?["id"] ?? "", recipe: run?["recipe"] ?? "", name: run?["name"] ?? "",
                plan: run?["plan"] ?? "", totalSteps: run?["total_steps"] ?? 0, steps: steps?["count"] ?? 0,
                lastStep: steps?["last"], lives: lives.reversed().map(Life.init))
        }
    }

    /// A file that the run wrote.
    package struct Save: Equatable, Sendable {
        /// Steps that were applied when it was written.
        package var step: Int
        package var path: String
        package var time: Date
    }

    /// The last `limit` files, oldest first.
    package func saves(limit: Int = 1000) throws(JournalError) -> [Save] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM saves ORDER BY time DESC, step DESC LIMIT ?", arguments: [limit]
            ).reversed().map { Save(step: $0["step"], path: $0["path"], time: $0.date("time")) }
        }
    }
}

extension JournalReader.Life {
    init(_ row: Row) {
        began = row.date("began")
        ended = row.optionalDate("ended")
        version = row["version"]
        incarnation = UInt64(bitPattern: row["incarnation"])
        firstStep = row["first_step"]
        outcome = row["outcome"]
    }
}

extension Row {
    func date(_ column: String) -> Date { Date(timeIntervalSince1970: self[column]) }

    func optionalDate(_ column: String) -> Date? { (self[column] as Double?).map(Date.init(timeIntervalSince1970:)) }
}
