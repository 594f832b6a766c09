import GRDB
package import Recipe

/// A number that a run has one of at each step.
package enum Quantity: Hashable, Sendable {
    case loss
    case averageLoss
    /// Of the steps after which it was measured.
    case validationLoss
    case gradientNorm
    case noiseScale
    /// Samples in the sum.
    case samples
    /// Samples in a full step of the workers that were in.
    case effectiveBatch
    /// The loss of the samples whose timesteps fell into a band; a mean over samples, also over several steps.
    case bandLoss(TimestepBand)
    case seconds
    case workers
    case leftOut
    case rate(ParameterGroup)
    /// Slots, samples a second of computing, and seconds of one worker.
    case slots(worker: String)
    case speed(worker: String)
    case computing(worker: String)
    /// A part of the step's time, by its name; nil is the coordinator's.
    case span(String, worker: String?)

    fileprivate var isWeighted: Bool {
        if case .bandLoss = self { true } else { false }
    }

    /// A query of columns `step`, `value` and, where steps do not count alike in a mean, `weight`; and its arguments.
    fileprivate var query: (sql: String, arguments: StatementArguments) {
        func column(_ name: String) -> (String, StatementArguments) {
            ("SELECT step, \(name) AS value FROM steps WHERE superseded = 0", [])
        }
        func share(_ value: String, of worker: String) -> (String, StatementArguments) {
            (
                """
                SELECT step, \(value) AS value FROM shares JOIN steps USING (step)
                WHERE superseded = 0 AND shares.worker = (SELECT id FROM workers WHERE name = ?)
                """, [worker]
            )
        }
        return switch self {
        case .loss: column("loss")
        case .averageLoss: column("average_loss")
        case .validationLoss:
            (
                """
                SELECT step, validations.loss AS value FROM validations JOIN steps USING (step) WHERE superseded = 0
                """, []
            )
        case .gradientNorm: column("gradient_norm")
        case .noiseScale: column("noise_scale")
        case .samples: column("samples")
        case .effectiveBatch: column("effective_batch")
        case .bandLoss(let band):
            (
                """
                SELECT step, bands.loss AS value, bands.samples AS weight FROM bands JOIN steps USING (step)
                WHERE superseded = 0 AND band = ?
                """, [band.number]
            )
        case .seconds: column("seconds")
        case .workers: column("workers")
        case .leftOut: column("left_out")
        case .rate(let group):
            (
                "SELECT step, rate AS value FROM rates JOIN steps USING (step) WHERE superseded = 0 AND name = ?",
                [group.rawValue]
            )
        case .slots(let worker): share("shares.slots", of: worker)
        case .speed(let worker): share("shares.samples / nullif(shares.seconds, 0)", of: worker)
        case .computing(let worker): share("shares.seconds", of: worker)
        case .span(let name, let worker):
            (
                """
                SELECT step, spans.seconds AS value FROM spans JOIN steps USING (step) WHERE superseded = 0
                AND spans.name = ? AND spans.worker = coalesce((SELECT id FROM workers WHERE name = ?), 0)
                """, [name, worker]
            )
        }
    }
}

extension JournalReader {
    /// Some steps in a row as one point.
    package struct Point: Equatable, Sendable {
        /// The first of them.
        package var step: Int
        package var mean: Double
        package var least: Double
        package var most: Double

        package init(step: Int, mean: Double, least: Double, most: Double) {
            self.step = step
            self.mean = mean
            self.least = least
            self.most = most
        }
    }

    /// A quantity over `steps`, in at most `limit` points.
    ///
    /// - Parameter steps: nil is all of the run so far.
    package func series(
        _ quantity: Quantity, steps: Range<Int>? = nil, limit: Int = 1000
    ) throws(JournalError) -> [Point] {
        let limit = max(1, limit)
        return try read { database in
            let last = try Int.fetchOne(database, sql: "SELECT max(step) FROM steps WHERE superseded = 0") ?? -1
            let range = steps ?? 0..<max(0, last + 1)
            let stride = max(1, (range.count + limit - 1) / limit)
            let (sql, arguments) = quantity.query
            let mean = quantity.isWeighted ? "sum(value * weight) / sum(weight)" : "avg(value)"
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT min(step) AS step, \(mean) AS mean, min(value) AS least, max(value) AS most
                    FROM (\(sql)) WHERE step >= ? AND step < ? AND value IS NOT NULL
                    GROUP BY (step - ?) / ? ORDER BY 1
                    """,
                arguments: arguments + [range.lowerBound, range.upperBound, range.lowerBound, stride])
            return try Array(
                rows.map { Point(step: $0["step"], mean: $0["mean"], least: $0["least"], most: $0["most"]) })
        }
    }

    /// The parameter groups that have a learning rate.
    package func groups() throws(JournalError) -> [ParameterGroup] {
        try read { database in
            let names = try Set(String.fetchAll(database, sql: "SELECT DISTINCT name FROM rates LIMIT 100"))
            return ParameterGroup.allCases.filter { names.contains($0.rawValue) }
        }
    }

    /// The bands of timesteps that have a loss.
    package func bands() throws(JournalError) -> [TimestepBand] {
        try read { database in
            try Int.fetchAll(database, sql: "SELECT DISTINCT band FROM bands ORDER BY band LIMIT 100")
                .compactMap(TimestepBand.init(number:))
        }
    }

    /// The names of the parts that steps' time was split into.
    ///
    /// - Parameter worker: nil is the coordinator.
    package func spans(of worker: String?) throws(JournalError) -> [String] {
        try read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT name FROM spans
                    WHERE worker = coalesce((SELECT id FROM workers WHERE name = ?), 0) ORDER BY name LIMIT 100
                    """, arguments: [worker])
        }
    }
}
