import GRDB

extension JournalReader {
    /// Where a worker's time went in the whole run, in seconds: its computing, and the other parts by name.
    package func timeSpent() throws(JournalError) -> [String: [String: Double]] {
        try read { database in
            var spent: [String: [String: Double]] = [:]
            let computing = try Row.fetchCursor(
                database,
                sql: """
                    SELECT workers.name AS worker, total(shares.seconds) AS seconds FROM shares JOIN steps USING (step)
                    JOIN workers ON workers.id = shares.worker WHERE superseded = 0 GROUP BY shares.worker
                    """)
            while let row = try computing.next() { spent[row["worker"], default: [:]]["compute"] = row["seconds"] }
            let others = try Row.fetchCursor(
                database,
                sql: """
                    SELECT workers.name AS worker, spans.name AS name, total(spans.seconds) AS seconds
                    FROM spans JOIN steps USING (step) JOIN workers ON workers.id = spans.worker
                    WHERE superseded = 0 GROUP BY spans.worker, spans.name
                    """)
            while let row = try others.next() { spent[row["worker"], default: [:]][row["name"]] = row["seconds"] }
            return spent
        }
    }

    /// A kind of events, with the last of them.
    package struct EventKind: Equatable, Sendable {
        package var count: Int
        package var last: Event
    }

    /// What kinds of events there were, the most frequent first; at most 100.
    package func eventKinds() throws(JournalError) -> [EventKind] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT events.*, kinds.count AS count FROM events
                    JOIN (SELECT count(*) AS count, max(id) AS last FROM events GROUP BY kind) AS kinds ON id = kinds.last
                    ORDER BY count DESC, kind LIMIT 100
                    """
            ).map { EventKind(count: $0["count"], last: Event($0)) }
        }
    }
}
