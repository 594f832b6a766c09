package import Foundation
import GRDB

/// Makes a run's journal as long as that of a run of weeks: each step is as step 0 was, a second later than the one before.
///
/// Step 0 must be there; another program may have the journal open.
package func lengthenJournal(of run: URL, to steps: Range<Int>) throws {
    let database = try DatabaseQueue(path: run.appending(path: "journal.sqlite").path)
    try database.write { database in
        for table in ["steps", "rates", "bands"] {
            let columns = try database.columns(in: table).map(\.name)
            let values = columns.map { $0 == "step" ? "number" : $0 == "time" ? "time + number" : $0 }
            try database.execute(
                sql: """
                    WITH RECURSIVE numbers (number) AS (
                        SELECT ? UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ?)
                    INSERT OR REPLACE INTO \(table) (\(columns.joined(separator: ", ")))
                    SELECT \(values.joined(separator: ", ")) FROM \(table), numbers WHERE step = 0 AND number > 0
                    """, arguments: [steps.lowerBound, steps.upperBound])
        }
    }
}

/// Marks a closed journal as one that a later program wrote.
package func ageJournal(of run: URL, to version: Int) throws {
    try DatabaseQueue(path: run.appending(path: "journal.sqlite").path)
        .write { try $0.execute(sql: "PRAGMA user_version = \(version)") }
}

/// Keeps everybody else from a journal, readers too, for as long as it is held.
package final class LockedJournal {
    private let database: DatabaseQueue

    package init(of run: URL) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
        database = try DatabaseQueue(path: run.appending(path: "journal.sqlite").path, configuration: configuration)
        try database.inDatabase { try $0.execute(sql: "BEGIN EXCLUSIVE") }
    }
}
