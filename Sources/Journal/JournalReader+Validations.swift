package import Foundation
import GRDB

extension JournalReader {
    /// A validation loss, and what the training loss was then.
    package struct Validation: Equatable, Sendable {
        /// Grows with each that is written down.
        package var id: Int64
        package var entry: ValidationEntry
        package var time: Date
        /// kohya's `avr_loss` after the same step.
        package var averageLoss: Double?
    }

    /// Those of some steps in a row, in order; of steps that are to be done again, none.
    package func validations(steps: ClosedRange<Int>) throws(JournalError) -> [Validation] {
        try validations("step BETWEEN ? AND ? ORDER BY step", [steps.lowerBound, steps.upperBound])
    }

    /// The first `limit` of those that were written down after the one numbered `id`, in that order.
    package func validations(after id: Int64, limit: Int = 1000) throws(JournalError) -> [Validation] {
        try validations("validations.id > ? ORDER BY validations.id LIMIT ?", [id, limit])
    }

    private func validations(
        _ condition: String, _ arguments: StatementArguments
    ) throws(JournalError) -> [Validation] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT validations.*, average_loss FROM validations JOIN steps USING (step)
                    WHERE superseded = 0 AND \(condition)
                    """, arguments: arguments
            ).map { row in
                Validation(
                    id: row["id"],
                    entry: ValidationEntry(
                        step: row["step"], loss: row["loss"], samples: row["samples"], isOfStep: row["of_step"],
                        isOfEpoch: row["of_epoch"]),
                    time: row.date("time"), averageLoss: row["average_loss"])
            }
        }
    }
}
