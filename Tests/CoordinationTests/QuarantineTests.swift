import Coordination
import Testing
import Wire

@Suite struct `A worker that comes and goes` {
    /// Dies `times` times, 6 s after each join.
    private func flapping(_ times: Int) -> (table: Table, now: Double) {
        var table = Table()
        var now = 0.0
        for _ in 0..<times {
            table.join("ada", at: now)
            now += 6
            table.happen(.tick, at: now)
        }
        return (table, now)
    }

    private func refusal(_ table: Table) -> Refusal? {
        table.effects.compactMap { if case .send(.refused(let refusal), _, _) = $0 { refusal } else { nil } }.first
    }

    @Test func `may come back at once, twice`() {
        var (table, now) = flapping(2)
        table.join("ada", at: now)
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    @Test func `is kept out for 10 s at the third time, and is told for how long`() {
        var (table, now) = flapping(3)
        #expect(table.notes.contains(.quarantined(name: "ada", for: .seconds(10), reason: "silent for 6 s")))
        #expect(table.coordinator.snapshot(at: .seconds(now)).quarantined.map(\.seconds) == [10])
        table.join("ada", at: now + 4)
        table.happen(.heard(.join(Table.application("ada")), from: Table.peer("ada"), stamp: .stranger), at: now + 4)
        #expect(refusal(table)?.mayPass == true)
        #expect(refusal(table)?.retryAfter == 6)
        #expect(refusal(table)?.fix.contains("danlu admit ada") == true)
        table.join("bob", at: now + 4)  // it alone is kept out
        #expect(table.leases.map(\.slots) == [0..<8])
        table.join("ada", at: now + 10)
        #expect(table.coordinator.snapshot(at: .seconds(now + 10)).workers.map(\.name).contains("ada"))
    }

    @Test func `is kept out twice as long each time, up to five minutes`() {
        var (table, now) = flapping(2)
        var lengths: [Duration] = []
        for _ in 0..<7 {
            table.join("ada", at: now)
            now += 6
            table.happen(.tick, at: now)
            for case .quarantined(_, let length, _) in table.notes {
                lengths.append(length)
                now += length / .seconds(1)
            }
        }
        #expect(lengths == [10, 20, 40, 80, 160, 300, 300].map { .seconds($0) })
    }

    @Test func `is forgiven after a calm minute`() {
        var (table, now) = flapping(2)
        table.join("ada", at: now)
        for second in 0...70 { table.ping("ada", at: now + Double(second)) }
        now += 76
        table.happen(.tick, at: now)
        #expect(!table.notes.contains { if case .quarantined = $0 { true } else { false } })
        table.join("ada", at: now)
        now += 6
        table.happen(.tick, at: now)
        #expect(!table.notes.contains { if case .quarantined = $0 { true } else { false } })
    }

    @Test func `is let back in when somebody says so`() {
        var (table, now) = flapping(3)
        table.happen(.admit("bob"), at: now)
        #expect(table.notes == [.nobody(called: "bob")])
        table.happen(.admit("ada"), at: now)
        #expect(table.notes == [.admitted(name: "ada")])
        table.join("ada", at: now)
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    @Test func `is not blamed for leaving on purpose`() {
        var table = Table()
        for time in 0..<8 {
            table.join("ada", at: Double(time))
            table.happen(.heard(.leave, from: Table.peer("ada"), stamp: table.stamp("ada")), at: Double(time) + 0.5)
        }
        table.join("ada", at: 9)
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    @Test func `waits as long as it was told, and then joins by itself`() {
        var patience = Patience()
        patience.retry = .seconds(1)
        var worker = Worker(Table.application("ada"), patience: patience)
        func asks(_ effects: [Worker.Effect]) -> Bool {
            effects.contains { if case .send(.join, _) = $0 { true } else { false } }
        }
        #expect(asks(worker.handle(.start, at: .zero)))
        let refusal = Refusal(
            field: "quarantine", yours: "a", mine: "b", fix: "c", mayPass: true, retryAfter: 40)
        #expect(worker.handle(.heard(.refused(refusal), stamp: .stranger), at: .seconds(0.5)) == [.note("\(refusal)")])
        let asked = (1...60).filter { asks(worker.handle(.tick, at: .seconds($0))) }
        #expect(asked.first == 41)
    }
}
