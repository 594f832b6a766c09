import GRDB

/// The tables of `journal.sqlite`, and how a file of an earlier version becomes one of this.
enum Schema {
    /// SQLite's `application_id`: "DANL".
    static let applicationID = 0x4441_4E4C
    /// SQLite's `user_version`.
    static let version = 1

    /// Brings an empty database to this version.
    static func create(in database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE run (id TEXT NOT NULL, total_steps INTEGER NOT NULL, recipe TEXT NOT NULL);
                CREATE TABLE lives (
                    life INTEGER PRIMARY KEY, began REAL NOT NULL, ended REAL, version TEXT NOT NULL,
                    incarnation INTEGER NOT NULL, first_step INTEGER NOT NULL, outcome TEXT);
                CREATE TABLE steps (
                    step INTEGER PRIMARY KEY, life INTEGER NOT NULL, superseded INTEGER NOT NULL DEFAULT 0,
                    time REAL NOT NULL, epoch INTEGER NOT NULL, loss REAL, average_loss REAL, gradient_norm REAL,
                    noise_scale REAL, samples INTEGER NOT NULL, slots INTEGER NOT NULL, left_out INTEGER NOT NULL,
                    workers INTEGER NOT NULL, seconds REAL NOT NULL, weights INTEGER NOT NULL);
                CREATE TABLE rates (
                    step INTEGER NOT NULL, name TEXT NOT NULL, rate REAL NOT NULL, PRIMARY KEY (step, name)
                ) WITHOUT ROWID;
                CREATE TABLE workers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
                CREATE TABLE ledger (
                    step INTEGER NOT NULL, place INTEGER NOT NULL, epoch INTEGER NOT NULL, slot INTEGER NOT NULL,
                    worker INTEGER, samples INTEGER NOT NULL, names TEXT NOT NULL, loss REAL, not_finite TEXT,
                    PRIMARY KEY (step, place)) WITHOUT ROWID;
                CREATE INDEX ledger_by_slot ON ledger (epoch, slot);
                CREATE TABLE shares (
                    step INTEGER NOT NULL, worker INTEGER NOT NULL, slots INTEGER NOT NULL, samples INTEGER NOT NULL,
                    seconds REAL NOT NULL, PRIMARY KEY (step, worker)) WITHOUT ROWID;
                CREATE INDEX shares_by_worker ON shares (worker, step);
                CREATE TABLE spans (
                    step INTEGER NOT NULL, worker INTEGER NOT NULL, name TEXT NOT NULL, seconds REAL NOT NULL,
                    PRIMARY KEY (step, worker, name)) WITHOUT ROWID;
                CREATE TABLE stays (
                    id INTEGER PRIMARY KEY, worker INTEGER NOT NULL, life INTEGER NOT NULL, number INTEGER NOT NULL,
                    exactness_class TEXT NOT NULL, joined REAL NOT NULL, ready REAL, left REAL, reason TEXT);
                CREATE INDEX stays_by_worker ON stays (worker, id);
                CREATE TABLE events (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, life INTEGER NOT NULL, step INTEGER,
                    kind TEXT NOT NULL, worker TEXT, sentence TEXT NOT NULL);
                CREATE TABLE saves (
                    step INTEGER NOT NULL, path TEXT NOT NULL, time REAL NOT NULL, PRIMARY KEY (step, path)
                ) WITHOUT ROWID;
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(version);
                """)
    }

    /// - Throws: ``JournalError`` for a database that is no journal, or a later program's.
    static func check(_ database: Database, path: String) throws {
        let identity = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard identity == applicationID else { throw JournalError.foreign(path) }
        guard version == Self.version else { throw JournalError.version(path, found: version, known: Self.version) }
    }
}
