import Foundation
import GRDB

/// What the ledger says of the promise that each sample of an epoch is committed exactly once or reported by name.
package struct Audit: Equatable, Sendable {
    /// A slot that no sum has, whose samples are known by name.
    package struct LeftOut: Equatable, Sendable {
        package var step: Int
        package var epoch: Int
        package var slot: Int
        package var samples: [String]
        /// Where a number was not finite.
        package var notFinite: String
    }

    /// The step at which this journal begins, when it took the place of one that was damaged; nothing is said of those
    /// before it.
    package var begins = 0
    /// The first and last step that the ledger has; nil when it is empty.
    package var steps: ClosedRange<Int>?
    package var slots = 0
    /// In the sums of the steps.
    package var committed = 0
    package var leftOut: [LeftOut] = []
    /// What breaks the promise, a sentence each, the first hundred; empty when it holds.
    package var findings: [String] = []

    fileprivate static let findingLimit = 100

    fileprivate mutating func find(_ sentence: String) {
        if findings.count < Self.findingLimit { findings.append(sentence) }
    }
}

extension JournalReader {
    /// Goes through the whole ledger.
    ///
    /// Every step is there, once; its slots follow those of the step before, without a gap, from the first of the
    /// epoch to the last; each slot holds the samples that the plan gives it, once; the samples of a step are as many
    /// as its row says. A journal that was begun within the run, see ``Audit/begins``, accounts for the steps from there.
    ///
    /// - Parameter slots: of an epoch, in order, the names of each one's samples, as the plan has them. Asked for one
    ///   epoch after the other.
    package func audit(slots expected: (_ epoch: Int) throws -> [[String]]) throws(JournalError) -> Audit {
        try read { database in
            var audit = Audit()
            let first = try Int.fetchOne(database, sql: "SELECT first_step FROM lives ORDER BY life LIMIT 1") ?? 0
            audit.begins = first
            var walk = LedgerWalk(nextStep: first)
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT steps.step, steps.epoch, steps.samples AS step_samples, steps.slots AS step_slots,
                        ledger.place, ledger.epoch AS slot_epoch, ledger.slot, ledger.names, ledger.worker,
                        ledger.not_finite
                    FROM steps LEFT JOIN ledger USING (step) WHERE superseded = 0 AND step >= ? ORDER BY step, place
                    """, arguments: [first])
            while let row = try rows.next() { try walk.take(row, expected, &audit) }
            walk.finish(&audit)
            return audit
        }
    }
}

/// Follows the ledger from slot to slot, and says where it is not what it should be.
private struct LedgerWalk {
    var nextStep: Int
    private var step: Int?
    private var samples = (said: 0, counted: 0)
    private var slots = (said: 0, counted: 0)
    private var epoch: Int?
    private var names: [[String]] = []
    private var nextSlot = 0

    init(nextStep: Int) {
        self.nextStep = nextStep
    }

    mutating func take(_ row: Row, _ expected: (Int) throws -> [[String]], _ audit: inout Audit) throws {
        let number: Int = row["step"]
        if number != step {
            finish(&audit)
            if number != nextStep { audit.find("step \(nextStep) is missing before step \(number)") }
            step = number
            nextStep = number + 1
            samples = (row["step_samples"], 0)
            slots = (row["step_slots"], 0)
            audit.steps = (audit.steps?.lowerBound ?? number)...number
            let its: Int = row["epoch"]
            if its != epoch {
                if let epoch, nextSlot != names.count {
                    audit.find("epoch \(epoch) ends after slot \(nextSlot) of \(names.count)")
                }
                if let epoch, its != epoch + 1 { audit.find("epoch \(its) follows epoch \(epoch)") }
                let isFirst = epoch == nil
                epoch = its
                names = try expected(its)
                // A ledger may begin within an epoch, where an earlier one was damaged.
                nextSlot = isFirst && number != 0 ? row["slot"] ?? 0 : 0
            }
        }
        guard let slot: Int = row["slot"] else { return }
        let its = try JSONDecoder().decode([String].self, from: Data((row["names"] as String).utf8))
        let place = "slot \(slot) of epoch \(epoch ?? 0), in step \(number),"
        if row["slot_epoch"] != epoch { audit.find("\(place) is of another epoch than its step") }
        if slot != nextSlot {
            audit.find("\(place) stands where slot \(nextSlot) belongs: it is done twice, or others are missing")
        }
        nextSlot = slot + 1
        slots.counted += 1
        audit.slots += 1
        if !names.indices.contains(slot) {
            audit.find("\(place) is beyond the epoch's \(names.count)")
        } else if its.sorted() != names[slot].sorted() {
            audit.find("\(place) has the samples \(its), where the plan has \(names[slot])")
        }
        if let notFinite: String = row["not_finite"] {
            audit.leftOut.append(
                Audit.LeftOut(step: number, epoch: epoch ?? 0, slot: slot, samples: its, notFinite: notFinite))
        } else {
            if row["worker"] == nil { audit.find("\(place) is committed but nobody computed it") }
            samples.counted += its.count
            audit.committed += its.count
        }
    }

    /// Closes the books of the step at hand.
    mutating func finish(_ audit: inout Audit) {
        guard let step else { return }
        if samples.said != samples.counted {
            audit.find("step \(step) was divided by \(samples.said) samples and has \(samples.counted)")
        }
        if slots.said != slots.counted { audit.find("step \(step) has \(slots.counted) slots of \(slots.said)") }
    }
}
