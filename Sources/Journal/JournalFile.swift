import Foundation
import GRDB

/// The database file with its two companions: opened, checked, and set aside when it is damaged.
struct JournalFile {
    static let name = "journal.sqlite"
    private static let companions = ["", "-wal", "-shm"]

    let path: String
    /// How long to wait for another program that has it locked.
    private let patience: Duration

    /// - Parameter run: the run's directory.
    init(run: URL, patience: Duration = .seconds(5)) {
        self.init(path: run.appending(path: Self.name).path, patience: patience)
    }

    init(path: String, patience: Duration = .seconds(5)) {
        self.path = path
        self.patience = patience
    }

    /// Opens the journal for its one writer, and makes it where there is none.
    ///
    /// - Throws: ``JournalError``.
    func open() throws(JournalError) -> DatabaseQueue {
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inDatabase { database in
                // A reader never waits for the writer, nor the writer for a reader.
                let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
                guard mode == "wal" else { throw JournalError.disk(path, reason: "SQLite says \(mode ?? "nothing")") }
                // What was committed is on disk: a state file that follows may rely on it.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
                if !isEmpty { try Schema.check(database, path: path) }
                try database.inTransaction {
                    try Schema.migrate(database)
                    return .commit
                }
                let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
                guard verdict == "ok" else { throw JournalError.damaged(path, reason: verdict) }
            }
            return queue
        } catch {
            throw JournalError(error, path: path)
        }
    }

    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "danlu.journal"
        configuration.busyMode = .timeout(patience / .seconds(1))
        return configuration
    }

    /// Gives a damaged journal another name, `journal.sqlite.damaged-1` and so on.
    ///
    /// - Returns: the path it has now.
    func setAside() throws(JournalError) -> String {
        let number = (1...).first { !FileManager.default.fileExists(atPath: "\(path).damaged-\($0)") } ?? 1
        let aside = "\(path).damaged-\(number)"
        for ending in Self.companions.reversed() {
            guard rename(path + ending, aside + ending) == 0 || errno == ENOENT else {
                throw .disk(path, reason: String(cString: strerror(errno)))
            }
        }
        return aside
    }

    /// The paths of those that were set aside, oldest first.
    var aside: [String] {
        Array((1...).lazy.map { "\(path).damaged-\($0)" }.prefix { FileManager.default.fileExists(atPath: $0) })
    }

    /// Removes it: the run starts over.
    func forget() {
        for ending in Self.companions { try? FileManager.default.removeItem(atPath: path + ending) }
    }
}
