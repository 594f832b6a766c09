import Foundation
import GRDB
import Recipe
import Testing

@testable import Journal

@Suite struct `A journal` {
    private let desk: Desk

    init() throws { desk = try Desk() }

    @Test func `keeps what a run did, for whoever reads it while the run goes on`() throws {
        let writer = try desk.writer()
        writer.write(.joined(worker: "even", number: 1, exactnessClass: "cpu avx2"))
        writer.write(.ready(worker: "even"))
        writer.write(.joined(worker: "odd", number: 2, exactnessClass: "cpu avx2"))
        for step in 0..<6 { writer.write(.step(Desk.step(step))) }
        writer.write(.span(step: 5, name: "reduce", seconds: 2))
        writer.write(.left(worker: "odd", reason: "it was asked to leave"))
        writer.write(.event(kind: "late", sentence: "worker 1 is late", worker: "even"))
        writer.write(.saved(step: 6, path: "/out/horse.safetensors"))
        try writer.flush()

        try check(desk.reader())
        try writer.close(outcome: "complete")
        #expect(try desk.reader().overview().lives[0].outcome == "complete")
        #expect(!FileManager.default.fileExists(atPath: desk.path + "-wal"), "one file can be copied and kept")
    }

    private func check(_ reader: JournalReader) throws {
        let overview = try reader.overview()
        #expect(overview.run == "run" && overview.totalSteps == 100 && overview.steps == 6 && overview.lastStep == 5)
        #expect(overview.lives.count == 1 && overview.lives[0].incarnation == 7 && overview.lives[0].ended == nil)
        let workers = try reader.workers()
        #expect(workers.map(\.name) == ["even", "odd"])
        #expect(workers[0].left == nil && workers[0].ready != nil && workers[0].exactnessClass == "cpu avx2")
        #expect(workers[1].reason == "it was asked to leave" && workers[1].left != nil)
        #expect(workers.map(\.slots) == [8, 8] && workers.map(\.samples) == [16, 16] && workers[0].seconds == 8)
        #expect(try reader.events().map(\.kind) == ["late"] && reader.events()[0].step == 5)
        #expect(try reader.saves().map(\.path) == ["/out/horse.safetensors"])
        #expect(try reader.groups() == [.unet, .textEncoder])
        #expect(try reader.spans(of: nil) == ["optimizer", "reduce"] && reader.spans(of: "odd") == ["send"])
    }

    @Test func `gives series in as many points as are asked for`() throws {
        let writer = try desk.writer()
        for step in 0..<100 { writer.write(.step(Desk.step(step))) }
        try writer.flush()
        let reader = try desk.reader()
        let all = try reader.series(.loss)
        #expect(all.map(\.step) == Array(0..<100) && all[3].mean == 0.25 && all[3].least == all[3].most)
        let few = try reader.series(.loss, limit: 7)
        #expect(few.count == 7 && few[0].most == 1 && few[0].least == 1.0 / 15 && few[1].step == 15)
        #expect(few.allSatisfy { $0.least <= $0.mean && $0.mean <= $0.most })
        #expect(try reader.series(.loss, steps: 10..<12).map(\.step) == [10, 11])
        #expect(try reader.series(.noiseScale).count == 99, "what is not known is left out")
        #expect(try reader.series(.rate(.textEncoder), limit: 1).map(\.most) == [5e-5])
        #expect(try reader.series(.speed(worker: "even"))[0].mean == 2)
        #expect(try reader.series(.span("send", worker: "even"))[0].mean == 0.25)
        #expect(try reader.series(.span("optimizer", worker: nil))[0].mean == 0.125)
        #expect(try reader.series(.slots(worker: "nobody")).isEmpty)
    }

    @Test func `replaces the rows of steps that are done again after a kill`() throws {
        var writer: JournalWriter? = try desk.writer()
        for step in 0..<6 { writer?.write(.step(Desk.step(step))) }
        writer?.write(.joined(worker: "even", number: 1, exactnessClass: ""))
        try writer?.flush()
        writer = nil

        let second = try desk.writer(from: 4)
        #expect(try desk.reader().overview().steps == 4, "steps to be done again do not count")
        #expect(try desk.reader().series(.loss).count == 4)
        #expect(try desk.reader().workers()[0].reason == "the coordinator ended")
        for step in 4..<7 { second.write(.step(Desk.step(step))) }
        try second.flush()
        #expect(desk.sentences.isEmpty)
        #expect(try desk.number("SELECT count(*) FROM steps") == 7)
        #expect(try desk.number("SELECT count(*) FROM ledger") == 19)
        #expect(try desk.reader().audit(slots: Desk.epoch).findings == [])
    }

    @Test func `says when a step that is done again leads to other weights`() throws {
        var writer: JournalWriter? = try desk.writer()
        for step in 0..<2 { writer?.write(.step(Desk.step(step))) }
        try writer?.flush()
        writer = nil
        let second = try desk.writer(from: 1)
        second.write(.step(Desk.step(1, weights: 5)))
        try second.flush()
        try second.close(outcome: "stopped")
        #expect(desk.sentences.count == 1)
        #expect(
            desk.sentences[0].hasPrefix(
                "step 1 was done again and led to other weights (fffffffffffffffe before, 0000000000000005 now)"))
        #expect(try desk.reader().events().map(\.sentence) == desk.sentences)
    }

    @Test func `goes back with the run`() throws {
        let writer = try desk.writer()
        for step in 0..<5 { writer.write(.step(Desk.step(step))) }
        writer.write(.rolledBack(step: 2))
        try writer.flush()
        #expect(try desk.reader().overview().lastStep == 1)
    }

    @Test func `keeps validation losses, and forgets them with their steps`() throws {
        func entry(_ step: Int, _ loss: Double) -> Entry {
            .validation(ValidationEntry(step: step, loss: loss, samples: 8, isOfStep: true, isOfEpoch: step == 3))
        }
        var writer: JournalWriter? = try desk.writer()
        for step in 0..<4 { writer?.write(.step(Desk.step(step))) }
        // They come in when later steps are done, and again where they were measured again.
        for (step, loss) in [(1, 0.5), (3, 0.25), (3, 0.125)] { writer?.write(entry(step, loss)) }
        try writer?.flush()
        let reader = try desk.reader()
        let found = try reader.validations(steps: 0...9)
        #expect(found.map(\.entry.step) == [1, 3] && found.map(\.entry.loss) == [0.5, 0.125])
        #expect(found.map(\.entry.isOfEpoch) == [false, true] && found.map(\.averageLoss) == [0.5, 0.5])
        #expect(try reader.validations(after: found[0].id).map(\.entry.step) == [3])
        #expect(try reader.series(.validationLoss).map(\.mean) == [0.5, 0.125])
        #expect(try reader.pulse().lastValidation == found[1].id)
        // The coordinator is killed, and goes on from an earlier state.
        writer = nil
        writer = try desk.writer(from: 3)
        #expect(try desk.reader().validations(steps: 0...9).map(\.entry.step) == [1])
        writer?.write(.step(Desk.step(3)))
        try writer?.flush()
        #expect(try desk.reader().validations(steps: 0...9).map(\.entry.step) == [1], "it has not been measured again")
        writer?.write(entry(3, 0.125))
        try writer?.flush()
        #expect(try desk.reader().validations(steps: 0...9).map(\.entry.loss) == [0.5, 0.125])
    }

    @Test func `of the version before validation is read as it is`() throws {
        let old = try DatabaseQueue(path: desk.path)
        try old.write { database in
            try Schema.migrate(database, to: 2)
            try database.execute(
                sql: """
                    INSERT INTO run VALUES ('run', 100, 'recipe', 'name', 'plan');
                    INSERT INTO lives VALUES (1, 0, NULL, '0', 3, 0, NULL);
                    INSERT INTO steps VALUES (0, 1, 0, 5.5, 0, 0.25, 0.25, 2, NULL, 6, 3, 0, 2, 1.5, 9, 6);
                    """)
        }
        try old.close()
        let reader = try desk.reader()
        #expect(try reader.validations(steps: 0...9).isEmpty && reader.series(.validationLoss).isEmpty)
        #expect(try reader.pulse().lastValidation == 0 && reader.overview().plan == "plan")
        let writer = try desk.writer(from: 1)
        writer.write(.validation(ValidationEntry(step: 0, loss: 1, samples: 4, isOfStep: true, isOfEpoch: false)))
        try writer.close(outcome: "stopped")
        #expect(try desk.reader().series(.validationLoss).map(\.mean) == [1])
        #expect(try desk.number("PRAGMA user_version") == Schema.version)
    }

    @Test func `of an earlier version is read as it is, and brought to this one when the run goes on`() throws {
        let old = try DatabaseQueue(path: desk.path)
        try old.write { database in
            try Schema.migrate(database, to: 1)
            try database.execute(
                sql: """
                    INSERT INTO run VALUES ('run', 100, 'recipe');
                    INSERT INTO lives VALUES (1, 0, NULL, '0', 3, 0, NULL);
                    INSERT INTO steps VALUES (0, 1, 0, 5.5, 0, 0.25, 0.25, 2, NULL, 6, 3, 0, 2, 1.5, 9);
                    """)
        }
        try old.close()
        let reader = try desk.reader()
        #expect(try reader.overview().steps == 1 && reader.overview().plan.isEmpty && reader.bands().isEmpty)
        #expect(try reader.validations(steps: 0...9).isEmpty && reader.pulse().lastValidation == 0)
        #expect(try reader.series(.loss).map(\.mean) == [0.25])
        #expect(try reader.series(.effectiveBatch).isEmpty && reader.series(.bandLoss(TimestepBand(of: 0))).isEmpty)

        let writer = try desk.writer(from: 1)
        writer.write(.step(Desk.step(1)))
        try writer.close(outcome: "stopped")
        #expect(try desk.sentences.isEmpty && desk.number("PRAGMA user_version") == Schema.version)
        #expect(try desk.reader().series(.effectiveBatch).map(\.mean) == [6])
        #expect(try desk.reader().series(.loss).map(\.mean) == [0.25, 0.5])
    }

    @Test func `keeps the loss by timestep, whose mean counts samples`() throws {
        let writer = try desk.writer()
        for (step, samples) in [1, 3].enumerated() {
            var entry = Desk.step(step)
            entry.bands = [TimestepBand(of: 250): BandLoss(samples: samples, mean: Double(step))]
            writer.write(.step(entry))
        }
        try writer.flush()
        let reader = try desk.reader()
        #expect(try reader.bands().map(\.name) == ["200-399"])
        let band = try #require(reader.bands().first)
        #expect(try reader.series(.bandLoss(band)).map(\.mean) == [0, 1])
        #expect(try reader.series(.bandLoss(band), limit: 1).map(\.mean) == [0.75])
        #expect(try reader.series(.bandLoss(TimestepBand(of: 999))).isEmpty)
    }

    @Test func `of a run that starts over begins anew`() throws {
        var writer: JournalWriter? = try desk.writer()
        writer?.write(.step(Desk.step(0)))
        try writer?.flush()
        writer = nil
        _ = try desk.writer(fresh: true)
        #expect(try desk.reader().overview().steps == 0)
    }
}

@Suite struct `A journal that is damaged` {
    private let desk: Desk

    init() throws { desk = try Desk() }

    private func filled() throws {
        let writer = try desk.writer()
        for step in 0..<50 { writer.write(.step(Desk.step(step))) }
        try writer.close(outcome: "stopped")
    }

    @Test func `is set aside, said aloud, and a new one begins`() throws {
        try filled()
        let whole = try Data(contentsOf: URL(filePath: desk.path))
        // Something else; a header that lies; a page in the middle that is none.
        var torn = whole
        torn.replaceSubrange(4096 * 3..<4096 * 4, with: Data(repeating: 0xFF, count: 4096))
        for (number, bytes) in [Data("not a database, but longer than its header would be".utf8), torn].enumerated() {
            try bytes.write(to: URL(filePath: desk.path))
            let writer = try desk.writer(from: 9)
            writer.write(.step(Desk.step(9)))
            try writer.close(outcome: "stopped")
            let aside = desk.path + ".damaged-\(number + 1)"
            #expect(try Data(contentsOf: URL(filePath: aside)).count == bytes.count)
            #expect(desk.sentences.count == number + 1)
            #expect(desk.sentences[number].hasPrefix("\(desk.path) is damaged ("))
            #expect(desk.sentences[number].hasSuffix("it is now \(aside), and a new journal begins at step 9"))
            #expect(try desk.reader().events().map(\.kind) == ["journal"])
            let audit = try desk.reader().audit(slots: Desk.epoch)
            #expect(audit.findings == [] && audit.begins == 9 && audit.steps == 9...9)
            #expect(try desk.reader().damaged.last == aside)
        }
    }

    @Test func `while it is written loses none of the steps that are still to be written`() throws {
        let writer = try desk.writer()
        writer.write(.step(Desk.step(0)))
        try writer.flush()
        try desk.tamper("DROP TABLE ledger")
        writer.write(.step(Desk.step(1)))
        writer.write(.step(Desk.step(2)))
        try writer.close(outcome: "stopped")
        #expect(desk.sentences.count == 1 && desk.sentences[0].contains("a new journal begins at step 1"))
        let audit = try desk.reader().audit(slots: Desk.epoch)
        #expect(audit.findings == [] && audit.begins == 1 && audit.steps == 1...2)
    }

    @Test func `or of another run or program is not written into`() throws {
        try filled()
        _ = try desk.writer(run: "another")
        #expect(desk.sentences.count == 1 && desk.sentences[0].contains("is the journal of another run"))
        try desk.tamper("PRAGMA user_version = 9")
        let later = try #require(throws: JournalError.self) { try desk.writer(run: "another") }
        #expect(later == .version(desk.path, found: 9, known: Schema.version))
        #expect(throws: later) { try desk.reader() }
    }

    @Test func `or is missing gets its reader one sentence`() throws {
        #expect(throws: JournalError.missing(desk.path)) { try desk.reader() }
        try Data("something else altogether".utf8).write(to: URL(filePath: desk.path))
        let error = try #require(throws: JournalError.self) { try desk.reader() }
        #expect(error.description.hasPrefix("\(desk.path) is damaged ("))
    }
}

@Suite struct `A journal that cannot be written` {
    private let desk: Desk

    init() throws { desk = try Desk() }

    @Test func `holds up no step, says so once, and is written when it can be`() throws {
        let writer = try desk.writer()
        let other = try desk.lock("BEGIN IMMEDIATE")
        let start = ContinuousClock.now
        writer.write(.step(Desk.step(0)))
        for number in 0..<2 * JournalWriter.backlogLimit {
            writer.write(.event(kind: "flood", sentence: "event \(number)"))
        }
        #expect(ContinuousClock.now - start < .seconds(2), "taking an entry waits for nobody")
        #expect(throws: JournalError.self) { try writer.flush(within: .milliseconds(50)) }
        #expect(writer.trouble != nil, "the backlog is full: the run must pause")
        writer.write(.step(Desk.step(1)))
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        try writer.flush(within: .seconds(30))
        #expect(writer.trouble == nil)
        try writer.close(outcome: "stopped")
        let audit = try desk.reader().audit(slots: Desk.epoch)
        #expect(audit.findings == [] && audit.steps == 0...1, "steps are never dropped")
        #expect(desk.sentences.contains { $0.contains("events came faster than the journal could be written") })
    }

    @Test func `is refused at the start with what to do`() throws {
        _ = try desk.writer()
        let other = try desk.lock("BEGIN EXCLUSIVE")
        let error = try #require(throws: JournalError.self) { try desk.writer() }
        #expect(error == .locked(desk.path))
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        try FileManager.default.removeItem(atPath: desk.path)
        try FileManager.default.createDirectory(atPath: desk.path, withIntermediateDirectories: false)
        #expect(throws: JournalError.self) { try desk.writer() }
    }
}
