import Foundation
import GRDB
import Recipe
import Synchronization
import Testing

@testable import Journal

/// A run's directory for one test, and the sentences that its journal said.
final class Desk: Sendable {
    let folder: URL
    private let said = Mutex<[String]>([])

    /// Slots in an epoch, and in a step; the last step of an epoch has two.
    static let slotsPerEpoch = 8
    static let slotsPerStep = 3

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var path: String { folder.appending(path: "journal.sqlite").path }
    var sentences: [String] { said.withLock { $0 } }

    func writer(from step: Int = 0, run: String = "run", fresh: Bool = false) throws -> JournalWriter {
        let life = JournalWriter.Life(
            run: run, recipe: "recipe", totalSteps: 100, version: "1", incarnation: 7, firstStep: step)
        return try JournalWriter(run: folder, life: life, fresh: fresh, patience: .milliseconds(200)) {
            [self] sentence in
            said.withLock { $0.append(sentence) }
        }
    }

    func reader() throws -> JournalReader { try JournalReader(run: folder) }

    static func names(of slot: Int) -> [String] { ["\(slot)/a", "\(slot)/b"] }

    static func epoch(_ epoch: Int) -> [[String]] { (0..<slotsPerEpoch).map(names) }

    /// A step as a run of the plan above has it.
    static func step(_ step: Int, weights: UInt64? = nil) -> StepEntry {
        let stepsPerEpoch = 3
        let first = step % stepsPerEpoch * slotsPerStep
        let slots = (first..<min(slotsPerEpoch, first + slotsPerStep)).map {
            SlotEntry(slot: $0, worker: $0 % 2 == 0 ? "even" : "odd", loss: 0.5, samples: names(of: $0))
        }
        let shares = ["even", "odd"].map { name in
            let count = slots.count { $0.worker == name }
            return ShareEntry(
                worker: name, slots: count, samples: 2 * count, seconds: Double(count), split: ["send": 0.25])
        }
        var entry = StepEntry(
            step: step, epoch: step / stepsPerEpoch, loss: 1 / Double(step + 1), averageLoss: 0.5,
            rates: [.unet: 1e-4, .textEncoder: 5e-5], gradientNorm: 2, noiseScale: step == 0 ? nil : 8,
            samples: 2 * slots.count, seconds: 1.5, weights: weights ?? UInt64.max - UInt64(step), slots: slots,
            shares: shares)
        entry.split = ["optimizer": 0.125]
        entry.effectiveBatch = 2 * slotsPerStep
        return entry
    }

    /// Changes the database behind the writer's back.
    func tamper(_ sql: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }

    /// Another program, in the midst of a transaction until it says ROLLBACK.
    func lock(_ sql: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: path, configuration: configuration)
        try other.inDatabase { try $0.execute(sql: sql) }
        return other
    }

    func number(_ sql: String) throws -> Int {
        try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: sql) } ?? -1
    }
}
