import Testing

@testable import Journal

@Suite struct `An audit of the ledger` {
    private let desk: Desk
    private let writer: JournalWriter

    init() throws {
        desk = try Desk()
        writer = try desk.writer()
    }

    private func audit(_ steps: [StepEntry]) throws -> Audit {
        for step in steps { writer.write(.step(step)) }
        try writer.flush()
        return try desk.reader().audit(slots: Desk.epoch)
    }

    @Test func `finds nothing in a run that is as it should be`() throws {
        let audit = try audit((0..<7).map { Desk.step($0) })
        #expect(audit.findings == [] && audit.leftOut.isEmpty)
        #expect(audit.steps == 0...6 && audit.slots == 19 && audit.committed == 38)
    }

    @Test func `names the samples that were left out`() throws {
        var step = Desk.step(1)
        step.slots[1].worker = nil
        step.slots[1].notFinite = "UNet"
        step.samples = 4
        let audit = try audit([Desk.step(0), step, Desk.step(2)])
        #expect(audit.findings == [] && audit.committed == 14)
        #expect(
            audit.leftOut == [
                Audit.LeftOut(step: 1, epoch: 0, slot: 4, samples: Desk.names(of: 4), notFinite: "UNet")
            ])
    }

    @Test func `of a journal that begins within the run says what it can, and finds what is missing after that`() throws
    {
        let late = try Desk()
        let writer = try late.writer(from: 4)
        for step in 4..<7 { writer.write(.step(Desk.step(step))) }
        try writer.flush()
        let audit = try late.reader().audit(slots: Desk.epoch)
        #expect(audit.findings == [] && audit.begins == 4 && audit.steps == 4...6 && audit.committed == 16)
        try late.tamper("DELETE FROM steps WHERE step = 4")
        #expect(try late.reader().audit(slots: Desk.epoch).findings.contains("step 4 is missing before step 5"))
    }

    @Test func `finds a step that is missing`() throws {
        let findings = try audit([Desk.step(0), Desk.step(2)]).findings
        #expect(findings.contains("step 1 is missing before step 2"))
        #expect(findings.contains { $0.contains("stands where slot 3 belongs") })
    }

    @Test func `finds a slot that is done twice, and one that nobody did`() throws {
        var step = Desk.step(1)
        step.slots[0].slot = 2
        step.slots[0].samples = Desk.names(of: 2)
        let findings = try audit([Desk.step(0), step]).findings
        #expect(findings.contains { $0.hasPrefix("slot 2 of epoch 0, in step 1, stands where slot 3 belongs") })
    }

    @Test func `finds samples that do not belong into their slot`() throws {
        var step = Desk.step(0)
        step.slots[0].samples = ["7/a", "0/b"]
        #expect(try audit([step]).findings.contains { $0.contains("has the samples [\"7/a\", \"0/b\"]") })
    }

    @Test func `finds a step that was divided by another number of samples`() throws {
        var step = Desk.step(0)
        step.samples = 8
        #expect(try audit([step]).findings == ["step 0 was divided by 8 samples and has 6"])
    }

    @Test func `finds slots that vanished, and an epoch that ends early`() throws {
        _ = try audit((0..<4).map { Desk.step($0) })
        try desk.tamper("DELETE FROM ledger WHERE step = 2 AND place = 1")
        let findings = try desk.reader().audit(slots: Desk.epoch).findings
        #expect(findings.contains("step 2 has 1 slots of 2") && findings.contains("epoch 0 ends after slot 7 of 8"))
    }

    @Test func `finds a slot that is committed though nobody computed it`() throws {
        var step = Desk.step(0)
        step.slots[2].worker = nil
        #expect(try audit([step]).findings == ["slot 2 of epoch 0, in step 0, is committed but nobody computed it"])
    }
}
