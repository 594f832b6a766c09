import Coordination
import Testing
import Wire

@Suite struct `A coordinator that people speak to` {
    private let next = StepPlan(step: 1, slotCount: 8, lossScale: 1, weights: 11)

    /// A run whose only worker computes step 0.
    private func table() -> Table {
        var table = Table()
        table.join("ada", at: 0)
        return table
    }

    @Test func `Case 25: finishes the step before it pauses, keeps its workers, and goes on when told`() {
        var table = table()
        table.happen(.pause(reason: "lunch"), at: 1)
        #expect(table.notes == [.pausing(step: 0, reason: "lunch")])
        #expect(table.coordinator.snapshot(at: .seconds(1)).state == .pausing)
        table.bring(0..<8, by: "ada", at: 2)
        #expect(table.contribution != nil)
        table.happen(.applied(.committed, next: next), at: 2)
        #expect(table.notes == [.paused(step: 1, reason: "lunch")])
        #expect(table.leases.isEmpty)
        for second in 3..<40 {
            table.ping("ada", at: Double(second))
            #expect(table.leases.isEmpty)
            #expect(table.effects.contains { if case .send(.pong, _, _) = $0 { true } else { false } })
            table.happen(.tick, at: Double(second))
            #expect(table.leases.isEmpty)
        }
        let snapshot = table.coordinator.snapshot(at: .seconds(40))
        #expect(snapshot.state == .paused)
        #expect(snapshot.sentence == "paused before step 1: lunch")
        #expect(snapshot.workers.map(\.activity) == [.idle])
        table.happen(.resume, at: 40)
        #expect(table.notes.first == .resumed(step: 1))
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    @Test func `takes in who joins while it is paused, and gives it weights`() {
        var table = Table()
        table.happen(.pause(reason: "later"), at: 0)
        #expect(table.notes == [.paused(step: 0, reason: "later")])
        table.happen(.heard(.join(Table.application("ada")), from: Table.peer("ada"), stamp: .stranger), at: 1)
        table.happen(.bulkOpened(stamp: table.stamp("ada")), at: 1)
        var status = Status()
        status.shape = Status.Shape(parameterCount: 2, tableHash: "two")
        table.happen(.heard(.ping(status), from: Table.peer("ada"), stamp: table.stamp("ada")), at: 1)
        #expect(table.effects.contains(.sendWeights(to: WorkerID(1), step: 0, delivery: 1)))
        #expect(table.leases.isEmpty)
        table.happen(.resume, at: 2)
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    @Test func `says now and then that it is paused`() {
        var table = table()
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.pause(reason: "lunch"), at: 1)
        table.happen(.applied(.committed, next: next), at: 1)
        var said: [Int] = []
        for second in 2..<70 {
            table.ping("ada", at: Double(second))
            table.happen(.tick, at: Double(second))
            if table.notes.contains(.waiting(reason: "paused before step 1: lunch")) { said.append(second) }
        }
        #expect(said == [31, 61])
    }

    @Test func `Case 25: stops at once while it is paused, and saves`() {
        var table = table()
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.pause(reason: "lunch"), at: 1)
        table.happen(.applied(.committed, next: next), at: 1)
        #expect(table.happen(.stop(reason: "enough"), at: 2) == [.save])
        table.happen(.saved, at: 2)
        #expect(table.effects.last == .finished(.stopped(reason: "enough")))
    }

    @Test func `saves at the next boundary, and at once when it is at one`() {
        var table = table()
        #expect(table.happen(.save, at: 1).isEmpty)
        table.bring(0..<8, by: "ada", at: 2)
        table.happen(.applied(.committed, next: next), at: 2)
        #expect(table.effects.count(where: { $0 == .save }) == 1)
        #expect(table.happen(.saved, at: 2) == [.note(.saved(step: 1))])
        var empty = Table()
        #expect(empty.happen(.save, at: 0) == [.save])
    }

    @Test func `Case 5: pauses when the disk is full, tries again every few seconds, and goes on by itself`() {
        var table = table()
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.saveFailed(reason: "no space left on device"), at: 1)
        #expect(table.notes.first == .notSaved(reason: "no space left on device"))
        table.happen(.applied(.committed, next: next), at: 1)
        #expect(table.leases.isEmpty)
        #expect(table.coordinator.snapshot(at: .seconds(1)).sentence.contains("no space left on device"))
        var tries: [Int] = []
        for second in 2..<20 {
            table.ping("ada", at: Double(second))
            table.happen(.tick, at: Double(second))
            guard table.effects.contains(.save) else { continue }
            tries.append(second)
            table.happen(.saveFailed(reason: "no space left on device"), at: Double(second))
            #expect(table.notes.isEmpty)  // it has been said
        }
        #expect(tries == [6, 11, 16])
        table.happen(.saved, at: 21)
        #expect(table.notes.prefix(2) == [.saved(step: 1), .resumed(step: 1)])
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    @Test func `Case 5: stays paused by its user when there is room again`() {
        var table = table()
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.saveFailed(reason: "full"), at: 1)
        table.happen(.applied(.committed, next: next), at: 1)
        table.happen(.pause(reason: "lunch"), at: 2)
        table.happen(.saved, at: 6)
        #expect(table.leases.isEmpty)
        #expect(table.notes == [.saved(step: 1), .paused(step: 1, reason: "lunch")])
        table.happen(.resume, at: 7)
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    /// What comes of a minute and a half on a disk that cannot be written.
    private func endOnReadOnlyDisk(_ table: inout Table) -> CoordinatorEffect? {
        #expect(table.effects.contains(.save))
        for second in 2..<90 {
            table.happen(.tick, at: Double(second))
            guard table.effects.contains(.save) else { continue }
            let last = table.happen(.saveFailed(reason: "read-only file system"), at: Double(second)).last
            if case .finished? = last { return last }
        }
        return nil
    }

    @Test func `Case 5: ends with an error when the last state cannot be saved for a minute`() {
        var table = table()
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.saveFailed(reason: "read-only file system"), at: 1)
        table.happen(.stop(reason: "dinner"), at: 1)
        table.happen(.applied(.committed, next: next), at: 1)
        #expect(endOnReadOnlyDisk(&table) == .finished(.unsaved(reason: "read-only file system")))
    }

    @Test func `Case 5: keeps what a complete run made until it can be saved, or its user stops it`() {
        var table = table()
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.saveFailed(reason: "read-only file system"), at: 1)
        table.happen(.applied(.committed, next: nil), at: 1)
        #expect(endOnReadOnlyDisk(&table) == nil)
        var stopped = table
        #expect(
            stopped.happen(.stop(reason: "dinner"), at: 91).last
                == .finished(.unsaved(reason: "read-only file system")))
        #expect(table.happen(.saved, at: 91).last == .finished(.complete))
        #expect(table.notes == [.saved(step: 1)])
    }

    @Test func `lets a worker go by name, by number and by box, after the step`() {
        var table = Table { $0.minimumWorkers = 3 }
        for name in ["box1/cuda:0", "box1/cuda:1", "box2"] { table.join(name, at: 0) }
        table.happen(.drain("box1"), at: 1)
        #expect(table.coordinator.workers(called: "box1") == [WorkerID(1), WorkerID(2)])
        #expect(table.coordinator.workers(called: "3") == [WorkerID(3)])
        #expect(table.effects.isEmpty)  // they are computing
        for worker in table.coordinator.snapshot(at: .seconds(1)).workers {
            #expect(worker.isLeaving == worker.name.hasPrefix("box1/"))
            if let slots = worker.slots {
                for slot in slots { table.bring(slot..<slot + 1, by: worker.name, at: 2) }
            }
        }
        table.happen(.applied(.committed, next: next), at: 3)
        let goodbyes = table.effects.count { if case .send(.goodbye, _, _) = $0 { true } else { false } }
        #expect(goodbyes == 2)
        #expect(table.leases.map(\.slots) == [0..<8])
        table.happen(.drain("box9"), at: 4)
        #expect(table.notes == [.nobody(called: "box9")])
    }

    @Test func `says whom a step waits for and what that one is doing`() {
        var table = Table(slots: 24) { $0.minimumWorkers = 2 }
        table.join("box1", at: 0)
        table.join("box3", at: 0)
        for (name, slot) in [("box1", 3), ("box3", 17)] {
            var status = Status()
            status.shape = Status.Shape(parameterCount: 2, tableHash: "two")
            status.holding = Status.Holding(delivery: 1, checksum: 11)
            status.slot = slot
            table.happen(.heard(.ping(status), from: Table.peer(name), stamp: table.stamp(name)), at: 1)
        }
        #expect(
            table.coordinator.snapshot(at: .seconds(2)).sentence
                == "step 0: waiting for box1 (last seen 1.0 s ago, computing slot 3 of 24), "
                + "box3 (last seen 1.0 s ago, computing slot 17 of 24)")
        table.bring(0..<8, by: "box1", at: 2)
        table.bring(8..<12, by: "box1", at: 2)
        #expect(
            table.coordinator.snapshot(at: .seconds(5.1)).sentence
                == "step 0: waiting for box3 (last seen 4.1 s ago, computing slot 17 of 24)")
    }
}
