import Foundation
import GRDB
import Recipe

/// One open journal: entries become rows.
///
/// Used from one queue at a time.
struct JournalPages: Sendable {
    /// Events that are kept; the oldest go first.
    private static let eventLimit: Int64 = 100_000

    private let path: String
    private let database: DatabaseQueue
    private let life: Int64

    /// Opens `file` and begins a life in it.
    init(_ file: JournalFile, _ told: JournalWriter.Life) throws(JournalError) {
        path = file.path
        database = try file.open()
        do {
            life = try database.write { try Self.begin(told, in: $0, path: file.path) }
        } catch {
            throw JournalError(error, path: path)
        }
    }

    private static func begin(_ told: JournalWriter.Life, in database: Database, path: String) throws -> Int64 {
        if let run = try String.fetchOne(database, sql: "SELECT id FROM run"), run != told.run {
            throw JournalError.otherRun(path)
        }
        let now = Date().timeIntervalSince1970
        try database.execute(sql: "DELETE FROM run")
        try database.execute(
            sql: "INSERT INTO run (id, total_steps, recipe, name, plan) VALUES (?, ?, ?, ?, ?)",
            arguments: [told.run, told.totalSteps, told.recipe, told.name, told.plan])
        // Who was in when the last coordinator was killed has not been seen since.
        try database.execute(
            sql: "UPDATE stays SET left = ?, reason = 'the coordinator ended' WHERE left IS NULL", arguments: [now])
        try supersede(from: told.firstStep, in: database)
        try database.execute(
            sql: "INSERT INTO lives (began, version, incarnation, first_step) VALUES (?, ?, ?, ?)",
            arguments: [now, told.version, Int64(bitPattern: told.incarnation), told.firstStep])
        return database.lastInsertedRowID
    }

    /// Marks rows of steps that are to be done again; they stay to be compared with.
    private static func supersede(from step: Int, in database: Database) throws {
        try database.execute(sql: "UPDATE steps SET superseded = 1 WHERE step >= ?", arguments: [step])
    }

    /// Writes all of `entries`, or nothing.
    ///
    /// - Returns: what struck it, a sentence each.
    @discardableResult
    func write(_ entries: [Dated]) throws(JournalError) -> [String] {
        do {
            return try database.write { database in
                try entries.compactMap { try write($0.entry, at: $0.time.timeIntervalSince1970, in: database) }
            }
        } catch {
            throw JournalError(error, path: path)
        }
    }

    private func write(_ entry: Entry, at time: TimeInterval, in database: Database) throws -> String? {
        switch entry {
        case .step(let entry): return try write(entry, at: time, in: database)
        case .validation(let entry):
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO validations (step, time, loss, samples, of_step, of_epoch)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [entry.step, time, entry.loss, entry.samples, entry.isOfStep, entry.isOfEpoch])
        case .span(let step, let name, let seconds):
            try database.execute(
                sql: "INSERT OR REPLACE INTO spans VALUES (?, 0, ?, ?)", arguments: [step, name, seconds])
        case .joined(let worker, let number, let exactnessClass):
            let id = try Self.number(of: worker, in: database)
            try leave(id, reason: "it joined again", at: time, in: database)
            try database.execute(
                sql: "INSERT INTO stays (worker, life, number, exactness_class, joined) VALUES (?, ?, ?, ?, ?)",
                arguments: [id, life, number, exactnessClass, time])
        case .ready(let worker):
            try database.execute(
                sql: "UPDATE stays SET ready = ? WHERE worker = ? AND left IS NULL",
                arguments: [time, Self.number(of: worker, in: database)])
        case .left(let worker, let reason):
            try leave(Self.number(of: worker, in: database), reason: reason, at: time, in: database)
        case .saved(let step, let path):
            try database.execute(
                sql: "INSERT OR REPLACE INTO saves VALUES (?, ?, ?)", arguments: [step, path, time])
        case .rolledBack(let step): try Self.supersede(from: step, in: database)
        case .event(let kind, let sentence, let worker):
            let step = try Int.fetchOne(database, sql: "SELECT max(step) FROM steps WHERE superseded = 0")
            try database.execute(
                sql: "INSERT INTO events (time, life, step, kind, worker, sentence) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [time, life, step, kind, worker, sentence])
            try database.execute(
                sql: "DELETE FROM events WHERE id <= ?", arguments: [database.lastInsertedRowID - Self.eventLimit])
        }
        return nil
    }

    private func leave(_ worker: Int64, reason: String, at time: TimeInterval, in database: Database) throws {
        try database.execute(
            sql: "UPDATE stays SET left = ?, reason = ? WHERE worker = ? AND left IS NULL",
            arguments: [time, reason, worker])
    }

    /// The number of a worker's name in this file.
    private static func number(of worker: String, in database: Database) throws -> Int64 {
        if let known = try Int64.fetchOne(database, sql: "SELECT id FROM workers WHERE name = ?", arguments: [worker]) {
            return known
        }
        try database.execute(sql: "INSERT INTO workers (name) VALUES (?)", arguments: [worker])
        return database.lastInsertedRowID
    }

    private func write(_ entry: StepEntry, at time: TimeInterval, in database: Database) throws -> String? {
        let earlier = try Int64.fetchOne(
            database, sql: "SELECT weights FROM steps WHERE step = ?", arguments: [entry.step])
        for table in ["steps", "rates", "ledger", "shares", "spans", "bands", "validations"] {
            try database.execute(sql: "DELETE FROM \(table) WHERE step = ?", arguments: [entry.step])
        }
        let weights = Int64(bitPattern: entry.weights)
        try database.execute(
            sql: "INSERT INTO steps VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                entry.step, life, time, entry.epoch, entry.loss, entry.averageLoss, entry.gradientNorm,
                entry.noiseScale, entry.samples, entry.slots.count, entry.slots.count { $0.notFinite != nil },
                entry.shares.count, entry.seconds, weights, entry.effectiveBatch,
            ])
        for (group, rate) in entry.rates {
            try database.execute(
                sql: "INSERT INTO rates VALUES (?, ?, ?)", arguments: [entry.step, group.rawValue, rate])
        }
        for (band, loss) in entry.bands {
            try database.execute(
                sql: "INSERT INTO bands VALUES (?, ?, ?, ?)",
                arguments: [entry.step, band.number, loss.samples, loss.mean])
        }
        var numbers: [String: Int64] = [:]
        for name in Set(entry.slots.compactMap(\.worker) + entry.shares.map(\.worker)) {
            numbers[name] = try Self.number(of: name, in: database)
        }
        let encoder = JSONEncoder()
        for (place, slot) in entry.slots.enumerated() {
            try database.execute(
                sql: "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    entry.step, place, entry.epoch, slot.slot, slot.worker.flatMap { numbers[$0] }, slot.samples.count,
                    String(decoding: try encoder.encode(slot.samples), as: UTF8.self), slot.loss, slot.notFinite,
                ])
        }
        for share in entry.shares {
            try database.execute(
                sql: "INSERT INTO shares VALUES (?, ?, ?, ?, ?)",
                arguments: [entry.step, numbers[share.worker], share.slots, share.samples, share.seconds])
            try write(share.split, of: numbers[share.worker] ?? 0, step: entry.step, in: database)
        }
        try write(entry.split, of: 0, step: entry.step, in: database)
        guard let earlier, earlier != weights else { return nil }
        return "step \(entry.step) was done again and led to other weights (\(hexadecimal(earlier)) before, "
            + "\(hexadecimal(weights)) now): the machines that compute it are not of one exactness class, or one is broken"
    }

    /// - Parameter worker: 0 is the coordinator.
    private func write(_ split: [String: Double], of worker: Int64, step: Int, in database: Database) throws {
        for (name, seconds) in split {
            try database.execute(
                sql: "INSERT INTO spans VALUES (?, ?, ?, ?)", arguments: [step, worker, name, seconds])
        }
    }

    // MARK: - The end

    /// Writes down how this life ended, and makes the journal one file that can be read from a disk that cannot be written.
    func close(outcome: String) throws {
        try database.write { database in
            try database.execute(
                sql: "UPDATE lives SET ended = ?, outcome = ? WHERE life = ?",
                arguments: [Date().timeIntervalSince1970, outcome, life])
        }
        // Not while somebody reads; then it stays as it is, which is as good where the folder can be written.
        try? database.inDatabase { try $0.execute(sql: "PRAGMA busy_timeout = 100; PRAGMA journal_mode = DELETE") }
        try database.close()
    }

    /// Lets go of a damaged file.
    func abandon() throws(JournalError) {
        do {
            try database.close()
        } catch {
            throw JournalError(error, path: path)
        }
    }
}

func hexadecimal(_ number: Int64) -> String {
    let digits = String(UInt64(bitPattern: number), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
