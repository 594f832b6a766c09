package import Foundation
import GRDB

extension JournalReader {
    /// Who has ever been in the run, and what they did.
    package struct Worker: Equatable, Sendable {
        package var name: String
        /// As the coordinator numbers it, when last in.
        package var number: Int
        package var exactnessClass: String
        package var joined: Date
        package var ready: Date?
        /// nil while it is in.
        package var left: Date?
        package var reason: String?
        /// Times it has joined.
        package var stays: Int
        package var steps: Int
        package var slots: Int
        package var samples: Int
        /// Of computing.
        package var seconds: Double
    }

    /// At most `limit` workers: those that are in first, then by name.
    package func workers(limit: Int = 1000) throws(JournalError) -> [Worker] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT name, stays.*,
                        (SELECT count(*) FROM stays AS all_stays WHERE all_stays.worker = workers.id) AS stay_count
                    FROM workers JOIN stays ON stays.id = (SELECT max(id) FROM stays WHERE worker = workers.id)
                    ORDER BY left IS NOT NULL, name LIMIT ?
                    """, arguments: [limit])
            return try rows.map { row in
                let work = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT count(*) AS steps, coalesce(sum(shares.slots), 0) AS slots,
                            coalesce(sum(shares.samples), 0) AS samples, coalesce(sum(shares.seconds), 0.0) AS seconds
                        FROM shares JOIN steps USING (step) WHERE superseded = 0 AND worker = ?
                        """, arguments: [row["worker"] as Int64])
                return Worker(
                    name: row["name"], number: row["number"], exactnessClass: row["exactness_class"],
                    joined: row.date("joined"), ready: row.optionalDate("ready"), left: row.optionalDate("left"),
                    reason: row["reason"], stays: row["stay_count"], steps: work?["steps"] ?? 0,
                    slots: work?["slots"] ?? 0, samples: work?["samples"] ?? 0, seconds: work?["seconds"] ?? 0)
            }
        }
    }

    /// One time that a worker was in.
    package struct Stay: Equatable, Sendable {
        package var worker: String
        package var joined: Date
        /// nil while it is in.
        package var left: Date?
        package var reason: String?
    }

    /// The last `limit` stays, oldest first: membership over time.
    package func stays(limit: Int = 10_000) throws(JournalError) -> [Stay] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT name, joined, left, reason FROM stays JOIN workers ON workers.id = worker
                    ORDER BY stays.id DESC LIMIT ?
                    """, arguments: [limit]
            ).reversed().map {
                Stay(
                    worker: $0["name"], joined: $0.date("joined"), left: $0.optionalDate("left"), reason: $0["reason"])
            }
        }
    }

    /// Something that happened.
    package struct Event: Equatable, Sendable {
        /// Grows from event to event.
        package var id: Int64
        package var time: Date
        /// The last step that was done then.
        package var step: Int?
        /// One word.
        package var kind: String
        package var worker: String?
        package var sentence: String
    }

    /// Events after the one numbered `id`, oldest first; the first `limit` of them, or, for nil, the last.
    package func events(after id: Int64? = nil, limit: Int = 1000) throws(JournalError) -> [Event] {
        try read { database in
            let rows =
                if let id {
                    try Row.fetchAll(
                        database, sql: "SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", arguments: [id, limit])
                } else {
                    try Array(
                        Row.fetchAll(
                            database, sql: "SELECT * FROM events ORDER BY id DESC LIMIT ?", arguments: [limit]
                        ).reversed())
                }
            return rows.map(Event.init)
        }
    }
}

extension JournalReader.Event {
    init(_ row: Row) {
        self.init(
            id: row["id"], time: row.date("time"), step: row["step"], kind: row["kind"], worker: row["worker"],
            sentence: row["sentence"])
    }
}
