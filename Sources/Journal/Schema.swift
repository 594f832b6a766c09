import GRDB

/// The tables of `journal.sqlite`, and how a file of an earlier version becomes one of this.
enum Schema {
    /// SQLite's `application_id`: "DANL".
    static let applicationID = 0x4441_4E4C
    /// SQLite's `user_version`: 0 is an empty file.
    static let version = versions.count

    /// What makes each version of the one before; never changed once released.
    private static let versions = [
        """
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
        """,
        // The plan as it was printed, the batch of a full step, and the loss by timestep.
        """
        ALTER TABLE run ADD COLUMN name TEXT NOT NULL DEFAULT '';
        ALTER TABLE run ADD COLUMN plan TEXT NOT NULL DEFAULT '';
        ALTER TABLE steps ADD COLUMN effective_batch INTEGER;
        CREATE TABLE bands (
            step INTEGER NOT NULL, band INTEGER NOT NULL, samples INTEGER NOT NULL, loss REAL NOT NULL,
            PRIMARY KEY (step, band)) WITHOUT ROWID;
        """,
        // The loss on pictures that are held out, of the weights that a step led to.
        """
        CREATE TABLE validations (
            id INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL UNIQUE, time REAL NOT NULL, loss REAL NOT NULL,
            samples INTEGER NOT NULL, of_step INTEGER NOT NULL, of_epoch INTEGER NOT NULL);
        """,
    ]

    /// What a file of each version lacks for this program's queries, made up in memory for a reader, who may not change
    /// the file.
    ///
    /// Those of each version come on top of the later ones'.
    private static let makeshifts = [
        1: """
        CREATE TEMP VIEW run AS SELECT *, '' AS name, '' AS plan FROM main.run;
        CREATE TEMP VIEW steps AS SELECT *, NULL AS effective_batch FROM main.steps;
        CREATE TEMP TABLE bands (step INTEGER, band INTEGER, samples INTEGER, loss REAL);
        """,
        2: """
        CREATE TEMP TABLE validations (
            id INTEGER PRIMARY KEY, step INTEGER, time REAL, loss REAL, samples INTEGER, of_step INTEGER,
            of_epoch INTEGER);
        """,
    ]

    /// Brings a database, empty or of an earlier version, to a version.
    static func migrate(_ database: Database, to version: Int = version) throws {
        let found = try number(of: database)
        guard found < version else { return }
        for statements in versions[found..<version] { try database.execute(sql: statements) }
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// Lets a reader of this program understand a file of an earlier version.
    static func understand(_ database: Database) throws {
        for lacking in try number(of: database)..<version {
            if let views = makeshifts[lacking] { try database.execute(sql: views) }
        }
    }

    private static func number(of database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }

    /// - Throws: ``JournalError`` for a database that is no journal, or a later program's.
    static func check(_ database: Database, path: String) throws {
        let identity = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try number(of: database)
        guard identity == applicationID else { throw JournalError.foreign(path) }
        guard (1...Self.version).contains(version) else {
            throw JournalError.version(path, found: version, known: Self.version)
        }
    }
}
