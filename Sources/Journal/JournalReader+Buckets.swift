package import Foundation
import GRDB

/// What a page that follows a run asks for again and again: cheap however long the run is.
extension JournalReader {
    /// Where a run is at this instant, and by what changes are noticed.
    package struct Pulse: Equatable, Sendable {
        package var run: String
        package var recipe: String
        /// `output_name`, and the plan as it was printed; empty in journals of earlier programs.
        package var name: String
        package var plan: String
        package var totalSteps: Int
        /// Starts of the coordinator, and the last of them.
        package var lives: Int
        package var life: Life?
        /// The last step that is written down and not to be done again; nil before the first.
        package var lastStep: Int?
        /// When it was written down, and its epoch.
        package var time: Date?
        package var epoch: Int?
        /// The last event's and the last stay's number; 0 before the first.
        package var lastEvent: Int64
        package var lastStay: Int64
        /// And the last validation loss's.
        package var lastValidation: Int64
        /// Workers that are in.
        package var present: Int
    }

    /// Reads a few rows at the ends of tables.
    package func pulse() throws(JournalError) -> Pulse {
        try read { database in
            let run = try Row.fetchOne(database, sql: "SELECT * FROM run")
            let life = try Row.fetchOne(database, sql: "SELECT * FROM lives ORDER BY life DESC LIMIT 1")
            let step = try Row.fetchOne(
                database, sql: "SELECT step, time, epoch FROM steps WHERE superseded = 0 ORDER BY step DESC LIMIT 1")
            func number(_ sql: String) throws -> Int64 { try Int64.fetchOne(database, sql: sql) ?? 0 }
            return Pulse(
                run: run?["id"] ?? "", recipe: run?["recipe"] ?? "", name: run?["name"] ?? "",
                plan: run?["plan"] ?? "", totalSteps: run?["total_steps"] ?? 0,
                lives: Int(try number("SELECT count(*) FROM lives")), life: life.map(Life.init),
                lastStep: step?["step"], time: step?.date("time"), epoch: step?["epoch"],
                lastEvent: try number("SELECT max(id) FROM events"),
                lastStay: try number("SELECT max(id) FROM stays"),
                lastValidation: try number("SELECT max(id) FROM validations"),
                present: Int(try number("SELECT count(*) FROM stays WHERE left IS NULL")))
        }
    }

    /// Some steps in a row as one.
    package struct Bucket: Equatable, Sendable {
        /// The first of them, and the last that there is.
        package var step: Int
        package var last: Int
        /// When the last was written down.
        package var time: Date
        /// Means by name: `loss` (with `loss_least`, `loss_most`), `average_loss`, `gradient_norm`, `noise_scale`,
        /// `samples`, `effective_batch`, `seconds`, `workers`, `left_out`, `rate/GROUP`, `band/NUMBER`.
        package var values: [String: Double]
    }

    /// The steps from `step` on, `stride` of them a bucket, oldest first.
    package func buckets(from step: Int, stride: Int) throws(JournalError) -> [Bucket] {
        let stride = max(1, stride)
        return try read { database in
            var buckets: [Int: Bucket] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT step / ? AS bucket, min(step) AS first, max(step) AS last, max(time) AS time,
                        avg(loss) AS loss, min(loss) AS loss_least, max(loss) AS loss_most,
                        avg(average_loss) AS average_loss, avg(gradient_norm) AS gradient_norm,
                        avg(noise_scale) AS noise_scale, avg(samples) AS samples,
                        avg(effective_batch) AS effective_batch, avg(seconds) AS seconds, avg(workers) AS workers, sum(left_out) AS left_out
                    FROM steps WHERE superseded = 0 AND step >= ? GROUP BY bucket
                    """, arguments: [stride, step])
            while let row = try rows.next() {
                var values: [String: Double] = [:]
                for name in row.columnNames.dropFirst(4) { values[name] = row[name] }
                buckets[row["bucket"]] = Bucket(
                    step: row["first"], last: row["last"], time: row.date("time"), values: values)
            }
            let rates = try Row.fetchCursor(
                database,
                sql: """
                    SELECT step / ? AS bucket, name, avg(rate) AS rate FROM rates JOIN steps USING (step)
                    WHERE superseded = 0 AND step >= ? GROUP BY name, bucket
                    """, arguments: [stride, step])
            while let row = try rates.next() {
                let (bucket, name, rate): (Int, String, Double) = (row["bucket"], row["name"], row["rate"])
                buckets[bucket]?.values["rate/\(name)"] = rate
            }
            let bands = try Row.fetchCursor(
                database,
                sql: """
                    SELECT step / ? AS bucket, band, sum(bands.loss * bands.samples) / sum(bands.samples) AS loss
                    FROM bands JOIN steps USING (step) WHERE superseded = 0 AND step >= ? GROUP BY band, bucket
                    """, arguments: [stride, step])
            while let row = try bands.next() {
                let (bucket, band, loss): (Int, Int, Double?) = (row["bucket"], row["band"], row["loss"])
                buckets[bucket]?.values["band/\(band)"] = loss
            }
            return buckets.values.sorted { $0.step < $1.step }
        }
    }

    /// When a step was written down; nil where it is to be done again, or never was.
    package func time(ofStep step: Int) throws(JournalError) -> Date? {
        try read { database in
            try Double.fetchOne(
                database, sql: "SELECT time FROM steps WHERE step = ? AND superseded = 0", arguments: [step]
            ).map(Date.init(timeIntervalSince1970:))
        }
    }

    /// What a worker did in some steps, and where its time went.
    package struct Work: Equatable, Sendable {
        package var worker: String
        /// Steps that it had a part in.
        package var steps: Int
        package var slots: Int
        package var samples: Int
        /// Of computing, in all of them.
        package var seconds: Double
        /// Of what else, by name (`broadcast`, `send`, `wait`).
        package var spans: [String: Double]
    }

    /// The work of the steps `steps`: of the `limit` workers who had most to do for a step, by name.
    ///
    /// - Returns: also how many workers there were, and what else the coordinator's time went to, in seconds by name.
    package func work(
        in steps: ClosedRange<Int>, limit: Int = 100
    ) throws(JournalError) -> (workers: [Work], count: Int, coordinator: [String: Double]) {
        try read { database in
            let range: StatementArguments = [steps.lowerBound, steps.upperBound]
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT workers.id, workers.name, count(*) AS steps, sum(slots) AS slots, sum(samples) AS samples,
                        sum(seconds) AS seconds
                    FROM shares JOIN workers ON workers.id = shares.worker WHERE step BETWEEN ? AND ?
                    GROUP BY workers.id ORDER BY sum(seconds) / count(*) DESC, name LIMIT ?
                    """, arguments: range + [limit])
            let count = try Int.fetchOne(
                database, sql: "SELECT count(DISTINCT worker) FROM shares WHERE step BETWEEN ? AND ?", arguments: range)
            var spans: [Int64: [String: Double]] = [:]
            let ids = [0] + rows.map { $0["id"] as Int64 }
            let parts = try Row.fetchCursor(
                database,
                sql: """
                    SELECT worker, name, sum(seconds) AS seconds FROM spans
                    WHERE step BETWEEN ? AND ? AND worker IN (\(ids.map(String.init).joined(separator: ",")))
                    GROUP BY worker, name
                    """, arguments: range)
            while let row = try parts.next() { spans[row["worker"], default: [:]][row["name"]] = row["seconds"] }
            let work = rows.map { row in
                Work(
                    worker: row["name"], steps: row["steps"], slots: row["slots"], samples: row["samples"],
                    seconds: row["seconds"], spans: spans[row["id"]] ?? [:])
            }
            return (work.sorted { $0.worker < $1.worker }, count ?? 0, spans[0] ?? [:])
        }
    }

    /// Names of workers that are in, the first `limit` of them.
    package func present(limit: Int = 100) throws(JournalError) -> [String] {
        try read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT name FROM stays JOIN workers ON workers.id = worker WHERE left IS NULL
                    ORDER BY name LIMIT ?
                    """, arguments: [limit])
        }
    }
}
