package import Foundation
import GRDB
package import Recipe

extension JournalReader {
    /// All numbers of one step.
    package struct Step: Equatable, Sendable {
        /// From 0, as ``StepEntry`` has it; when it was applied; which life of the coordinator did it, from 1.
        package var step: Int
        package var time: Date
        package var life: Int
        package var epoch: Int
        package var loss: Double?
        package var averageLoss: Double?
        package var gradientNorm: Double?
        package var noiseScale: Double?
        package var samples: Int
        package var effectiveBatch: Int?
        package var slots: Int
        package var leftOut: Int
        package var workers: Int
        package var seconds: Double
        /// The checksum of the weights that it led to.
        package var weights: UInt64
        package var rates: [ParameterGroup: Double]
        package var bands: [TimestepBand: BandLoss]
        /// The coordinator's parts of its time, by name.
        package var split: [String: Double]
    }

    /// The first `limit` steps from the one numbered `first` on, in order, those to be done again left out.
    package func steps(from first: Int, limit: Int = 1000) throws(JournalError) -> [Step] {
        try read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT * FROM steps WHERE superseded = 0 AND step >= ? ORDER BY step LIMIT ?",
                arguments: [first, limit])
            guard let last = rows.last?["step"] as Int? else { return [] }
            func beside(_ sql: String) throws -> [Int: [Row]] {
                try Dictionary(
                    grouping: Row.fetchAll(
                        database, sql: "\(sql) AND step BETWEEN ? AND ?", arguments: [first, last])
                ) { $0["step"] }
            }
            let rates = try beside("SELECT * FROM rates WHERE true")
            let bands = try beside("SELECT * FROM bands WHERE true")
            let spans = try beside("SELECT * FROM spans WHERE worker = 0")
            return rows.map { row in
                let step: Int = row["step"]
                return Step(row, rates: rates[step] ?? [], bands: bands[step] ?? [], spans: spans[step] ?? [])
            }
        }
    }

    /// A worker's part in a step.
    package struct Share: Equatable, Sendable {
        package var step: Int
        package var worker: String
        package var slots: Int
        package var samples: Int
        package var seconds: Double
        package var split: [String: Double]
    }

    /// Every worker's part in some steps in a row.
    package func shares(steps: ClosedRange<Int>) throws(JournalError) -> [Share] {
        try read { database in
            struct Key: Hashable {
                let step: Int
                let worker: Int64
            }
            let arguments: StatementArguments = [steps.lowerBound, steps.upperBound]
            let spans = try Dictionary(
                grouping: Row.fetchAll(
                    database, sql: "SELECT * FROM spans WHERE worker != 0 AND step BETWEEN ? AND ?",
                    arguments: arguments)
            ) { Key(step: $0["step"], worker: $0["worker"]) }
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT shares.*, workers.name AS worker_name FROM shares JOIN steps USING (step)
                    JOIN workers ON workers.id = shares.worker
                    WHERE superseded = 0 AND step BETWEEN ? AND ? ORDER BY step, worker_name
                    """, arguments: arguments
            ).map { row in
                Share(
                    step: row["step"], worker: row["worker_name"], slots: row["slots"], samples: row["samples"],
                    seconds: row["seconds"],
                    split: Row.split(spans[Key(step: row["step"], worker: row["worker"])] ?? []))
            }
        }
    }

    /// One line of the ledger; see ``SlotEntry``.
    package struct LedgerLine: Equatable, Sendable {
        package var step: Int
        package var epoch: Int
        package var slot: Int
        package var worker: String?
        package var loss: Double?
        package var samples: [String]
        package var notFinite: String?
    }

    /// The ledger of some steps in a row.
    package func ledger(steps: ClosedRange<Int>) throws(JournalError) -> [LedgerLine] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT ledger.*, workers.name AS worker_name FROM ledger JOIN steps USING (step)
                    LEFT JOIN workers ON workers.id = ledger.worker
                    WHERE superseded = 0 AND step BETWEEN ? AND ? ORDER BY step, place
                    """, arguments: [steps.lowerBound, steps.upperBound]
            ).map { row in
                LedgerLine(
                    step: row["step"], epoch: row["epoch"], slot: row["slot"], worker: row["worker_name"],
                    loss: row["loss"],
                    samples: try JSONDecoder().decode([String].self, from: Data((row["names"] as String).utf8)),
                    notFinite: row["not_finite"])
            }
        }
    }
}

extension JournalReader.Step {
    fileprivate init(_ row: Row, rates: [Row], bands: [Row], spans: [Row]) {
        step = row["step"]
        time = row.date("time")
        life = row["life"]
        epoch = row["epoch"]
        loss = row["loss"]
        averageLoss = row["average_loss"]
        gradientNorm = row["gradient_norm"]
        noiseScale = row["noise_scale"]
        samples = row["samples"]
        effectiveBatch = row["effective_batch"]
        slots = row["slots"]
        leftOut = row["left_out"]
        workers = row["workers"]
        seconds = row["seconds"]
        weights = UInt64(bitPattern: row["weights"])
        self.rates = [:]
        for row in rates {
            if let group = ParameterGroup(rawValue: row["name"]) { self.rates[group] = row["rate"] }
        }
        self.bands = [:]
        for row in bands {
            guard let band = TimestepBand(number: row["band"]) else { continue }
            self.bands[band] = BandLoss(samples: row["samples"], mean: row["loss"])
        }
        split = Row.split(spans)
    }
}

extension Row {
    fileprivate static func split(_ spans: [Row]) -> [String: Double] {
        Dictionary(spans.map { ($0["name"], $0["seconds"]) }, uniquingKeysWith: { $1 })
    }
}
