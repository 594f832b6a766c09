import Coordination
import Foundation
import Testing
import Wire

@Suite struct `Gradients that cannot be right` {
    /// Two workers with half a step of eight slots each, after `steps` steps of gradients of norm 1.
    private func table(after steps: Int = 3) -> (table: Table, now: Double) {
        var table = Table { $0.minimumWorkers = 2 }
        table.join("ada", at: 0)
        table.join("bob", at: 0)
        var now = 0.0
        for step in 0..<steps {
            now += 4
            for name in ["ada", "bob"] { table.ping(name, at: now, leases: [table.given[name]?.number ?? 0]) }
            table.bring(0..<4, by: "ada", at: now)
            table.bring(4..<8, by: "bob", at: now)
            table.happen(
                .applied(.committed, next: StepPlan(step: step + 1, slotCount: 8, lossScale: 1, weights: 11)),
                at: now)
        }
        return (table, now)
    }

    private var refused: [CoordinatorEffect] { [.discard(0..<4, from: WorkerID(1))] }

    @Test func `Case 15: are refused when they are not finite, although their worker says nothing`() {
        var (table, now) = table(after: 0)
        table.bring(0..<4, by: "ada", at: now + 4, norm: .nan)
        #expect(table.effects.first == refused[0])
        #expect(table.notes.first == .sumNotFinite(WorkerID(1), slots: 0..<4))
        #expect(table.coordinator.dropped.notFinite == 1)
        #expect(table.leases.isEmpty)  // ada may not judge its own case while there is another
        table.bring(4..<8, by: "bob", at: now + 4)
        #expect(table.leases.map(\.slots) == [0..<1])
        #expect(table.given["bob"]?.slots == 0..<1)
    }

    @Test func `Case 18: are computed again at once when they arrive damaged, and count once however many chunks were`()
        throws
    {
        var (table, now) = table()
        let ada = table.stamp("ada")
        let round = try #require(table.given["ada"]).round
        table.happen(.damagedSum(0..<4, round: round, stamp: ada), at: now + 4)
        #expect(table.notes.first == .damagedSum(WorkerID(1), slots: 0..<4))
        table.happen(.damagedSum(0..<4, round: round, stamp: ada), at: now + 4)
        #expect(table.notes.isEmpty)
        table.happen(.damagedSum(4..<8, round: round, stamp: ada), at: now + 4)  // what ada was never asked for
        #expect(table.notes.isEmpty)
        table.bring(4..<8, by: "bob", at: now + 4)
        #expect(table.given["bob"]?.slots.map { $0.count } == 1)
        var turns = 0
        while table.contribution == nil, turns < 20, let slots = table.given["bob"]?.slots {
            turns += 1
            table.bring(slots, by: "bob", at: now + 5)
        }
        #expect(table.contribution?.outcomes.count == 8)
    }

    @Test func `Case 18: keep their worker out for a while when they arrive damaged again and again`() {
        var (table, now) = table()
        var damaged = 0
        while table.coordinator.membership.members[WorkerID(1)] != nil, damaged < 10 {
            damaged += 1
            now += 4
            for name in ["ada", "bob"] { table.ping(name, at: now, leases: [table.given[name]?.number ?? 0]) }
            table.happen(
                .damagedSum(0..<4, round: table.given["ada"]?.round ?? 0, stamp: table.stamp("ada")), at: now)
            table.bring(4..<8, by: "bob", at: now)
            for slot in 0..<4 { table.bring(slot..<slot + 1, by: "bob", at: now) }
            table.happen(
                .applied(.committed, next: StepPlan(step: 3 + damaged, slotCount: 8, lossScale: 1, weights: 11)),
                at: now)
        }
        #expect(damaged == 3)
    }

    @Test func `Case 16: are refused when a sum is longer than its slots laid end to end`() {
        var (table, now) = table(after: 0)
        table.bring(0..<4, by: "ada", at: now + 4, norm: 4000)
        #expect(table.effects.first == refused[0])
        #expect(table.coordinator.dropped.absurd == 1)
        table.bring(4..<8, by: "bob", at: now + 4)
        #expect(table.given["bob"]?.slots == 0..<1)
    }

    @Test(arguments: [1000.0, 1e30])
    func `Case 16: are computed elsewhere when they are far beyond those of late`(size: Double) {
        var (table, now) = table()
        table.bring(0..<4, by: "ada", at: now + 4, slotNorm: size)
        #expect(table.effects.first == refused[0])
        #expect(table.notes.contains { if case .absurd(WorkerID(1), _, size, 1) = $0 { true } else { false } })
        table.bring(4..<8, by: "bob", at: now + 4)
        for slot in 0..<4 {
            #expect(table.given["bob"]?.slots == slot..<slot + 1)
            table.bring(slot..<slot + 1, by: "bob", at: now + 5)
        }
        #expect(table.contribution?.outcomes.allSatisfy { $0.squaredGradientNorm == 1 } == true)
        #expect(table.coordinator.dropped.absurd == 1)
    }

    @Test func `Case 16: are believed when a second worker says the same`() {
        var (table, now) = table()
        for (name, slots) in [("ada", 0..<4), ("bob", 4..<8)] {
            table.bring(slots, by: name, at: now + 4, slotNorm: 1e6)
        }
        #expect(table.coordinator.dropped.absurd == 2)
        var turns = 0
        while table.contribution == nil, turns < 20 {
            turns += 1
            for name in ["ada", "bob"] {
                guard let slots = table.given[name]?.slots, table.contribution == nil else { continue }
                table.bring(slots, by: name, at: now + 5, slotNorm: 1.001e6)
            }
        }
        #expect(table.contribution?.outcomes.count == 8)
        #expect(table.coordinator.snapshot(at: .seconds(now)).workers.count == 2)  // nobody is to blame
    }

    @Test func `Case 16: are believed of the only worker there is when it says the same again`() {
        var table = Table(slots: 8)
        table.join("ada", at: 0)
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.applied(.committed, next: StepPlan(step: 1, slotCount: 8, lossScale: 1, weights: 11)), at: 1)
        table.bring(0..<8, by: "ada", at: 2, slotNorm: 1e6)
        #expect(table.contribution == nil)
        for _ in 0..<8 {
            guard let slots = table.given["ada"]?.slots, table.contribution == nil else { break }
            table.bring(slots, by: "ada", at: 3, slotNorm: 1e6)
        }
        #expect(table.contribution?.outcomes.count == 8)
    }

    @Test func `are not doubted when they are but ten times those of late`() {
        var (table, now) = table()
        table.bring(0..<4, by: "ada", at: now + 4, slotNorm: 10)
        #expect(table.effects.first == .keep(0..<4, from: WorkerID(1)))
    }

    @Test func `Case 16: put a worker in quarantine at the third time`() {
        var (table, now) = table()
        var kept: Note?
        for turn in 0..<3 {
            now += 4
            for name in ["ada", "bob"] { table.ping(name, at: now, leases: [table.given[name]?.number ?? 0]) }
            table.bring(0..<4, by: "ada", at: now, norm: 1e9)
            kept = table.notes.first { if case .quarantined("ada", _, _) = $0 { true } else { false } }
            #expect((kept != nil) == (turn == 2))
            table.bring(4..<8, by: "bob", at: now)
            while table.contribution == nil, let slots = table.given["bob"]?.slots {
                table.bring(slots, by: "bob", at: now)
            }
            table.happen(
                .applied(.committed, next: StepPlan(step: 5 + turn, slotCount: 8, lossScale: 1, weights: 11)), at: now)
        }
        #expect(table.given["bob"]?.slots == 0..<8)
    }

    @Test func `Case 14: are refused when they were computed with other weights, which are sent again`() {
        var (table, now) = table(after: 0)
        table.bring(0..<4, by: "ada", at: now + 4, weights: 666)
        #expect(table.effects.first == refused[0])
        #expect(table.coordinator.dropped.otherWeights == 1)
        let delivery = table.effects.compactMap { effect -> UInt32? in
            if case .sendWeights(WorkerID(1), _, let delivery) = effect { delivery } else { nil }
        }.first
        #expect(table.leases.isEmpty)
        table.ping("ada", at: now + 5)  // it still holds the old ones, whatever it says of them
        #expect(table.leases.isEmpty)
        table.ping("ada", at: now + 6, delivery: delivery ?? 0)
        #expect(table.leases.map(\.slots) == [0..<2])
    }

    @Test func `Case 14: put a worker in quarantine whose weights change three times`() {
        var (table, now) = table(after: 0)
        for turn in 1...3 {
            now += 1
            table.bring(table.given["ada"]?.slots ?? 0..<1, by: "ada", at: now, weights: 666)
            let kept = table.notes.contains { if case .quarantined("ada", _, _) = $0 { true } else { false } }
            #expect(kept == (turn == 3))
            table.ping("bob", at: now, leases: [table.given["bob"]?.number ?? 0])
            if turn < 3 { table.ping("ada", at: now, delivery: 100) }
        }
        #expect(table.coordinator.dropped.otherWeights == 3)
    }

    @Test func `Case 17: are added up once, however often and late their message comes`() {
        var (table, now) = table(after: 0)
        table.bring(0..<4, by: "ada", at: now + 1)
        let lease = table.given["ada"]
        table.bring(0..<4, by: "ada", at: now + 1)
        #expect(table.effects.first == refused[0])
        #expect(table.coordinator.dropped.duplicate == 1)
        table.bring(4..<8, by: "bob", at: now + 1)
        #expect(table.contribution?.samples == 8)
        table.happen(
            .applied(.committed, next: StepPlan(step: 1, slotCount: 8, lossScale: 1, weights: 11)), at: now + 1)
        table.given["ada"] = lease
        table.bring(0..<4, by: "ada", at: now + 2, round: 1)  // of the step before
        #expect(table.effects.first == refused[0])
        #expect(table.coordinator.dropped.stale == 1)
        table.bring(0..<4, by: "ada", at: now + 2, round: 2)  // with a lease of the step before
        #expect(table.effects.first == refused[0])
        #expect(table.coordinator.dropped.malformed == 1)
    }

    @Test func `Case 17: a refusal's message that comes twice is no second opinion`() {
        var (table, now) = table()
        table.happen(.heard(.leave, from: Table.peer("bob"), stamp: table.stamp("bob")), at: now)
        let lease = table.given["ada"]
        for _ in 0..<2 {
            table.given["ada"] = lease
            table.bring(0..<4, by: "ada", at: now + 4, slotNorm: 1e6)
        }
        #expect(table.coordinator.dropped.duplicate == 1)
        #expect(table.contribution == nil)
    }
}

@Suite struct `A worker that is asked to leave` {
    @Test func `Case 25: gives back at once what it will not bring, and is let go when the rest is in`() {
        var table = Table { $0.minimumWorkers = 2 }
        table.join("ada", at: 0)
        table.join("bob", at: 0)
        table.bring(4..<8, by: "bob", at: 1)
        table.happen(
            .heard(.handBack(round: 1, keeping: [0..<2]), from: Table.peer("ada"), stamp: table.stamp("ada")), at: 1)
        #expect(table.notes == [.passedOn(slots: 2, of: WorkerID(1))])
        #expect(table.given["bob"]?.slots == 2..<4)
        table.bring(2..<4, by: "bob", at: 2)
        table.bring(0..<2, by: "ada", at: 2)
        #expect(table.contribution?.shares.map(\.slots) == [2, 6])
        table.happen(.applied(.committed, next: StepPlan(step: 1, slotCount: 8, lossScale: 1, weights: 11)), at: 2)
        #expect(table.effects.contains { if case .send(.goodbye, Table.peer("ada"), _) = $0 { true } else { false } })
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    /// A worker that computes the second of eight slots.
    private func busy() -> Worker {
        var worker = Worker(Table.application("ada"), patience: Patience())
        let stamp = Stamp(run: Table.run, incarnation: 5, worker: WorkerID(1))
        let welcome = Welcome(
            run: Data(), bulkPort: 1, parameterCount: 2, chunkBytes: 8, creditChunks: 1, threads: 1)
        _ = worker.handle(.start, at: .zero)
        _ = worker.handle(.heard(.welcome(welcome), stamp: stamp), at: .zero)
        _ = worker.handle(.made(Status.Shape(parameterCount: 2, tableHash: "two")), at: .zero)
        _ = worker.handle(.took(Status.Holding(delivery: 1, checksum: 11)), at: .zero)
        let lease = Lease(number: 7, step: 0, round: 1, slots: 8..<16, slotCount: 16, lossScale: 1, weights: 11)
        _ = worker.handle(.heard(.lease(lease), stamp: stamp), at: .zero)
        _ = worker.handle(.progressed(2, slot: 9), at: .seconds(1))
        return worker
    }

    @Test func `Case 25: finishes the slot in hand, and leaves when it has been brought`() {
        var worker = busy()
        let effects = worker.handle(.leave(computed: []), at: .seconds(1))
        #expect(effects.first == .finishSlot)
        #expect(
            effects.contains {
                if case .send(.handBack(round: 1, keeping: [8..<10]), _) = $0 { true } else { false }
            })
        #expect(!worker.handle(.tick, at: .seconds(1.5)).contains(.finished(.left)))
        #expect(worker.handle(.delivered(lease: 7), at: .seconds(3)).last == .finished(.left))
    }

    @Test(arguments: [false, true])
    func `Case 25: has left, also where the coordinator is the first to say so, unless the run is over`(isOver: Bool) {
        var worker = busy()
        _ = worker.handle(.leave(computed: []), at: .seconds(1))
        let goodbye = CoordinatorMessage.goodbye(finished: isOver, reason: "it is asked for")
        let effects = worker.handle(.heard(goodbye, stamp: worker.stamp), at: .seconds(2))
        #expect(
            effects.last
                == .finished(isOver ? .dismissed(finished: true, reason: "it is asked for") : .left))
    }

    @Test func `Case 25: leaves within its grace, though the slot in hand never ends`() {
        var worker = busy()
        _ = worker.handle(.leave(computed: []), at: .seconds(1))
        let stamp = worker.stamp
        var leftAt: Int?
        for second in 2...40 where leftAt == nil {
            _ = worker.handle(.heard(.pong(number: 1), stamp: stamp), at: .seconds(second))
            if worker.handle(.tick, at: .seconds(second)).last == .finished(.left) { leftAt = second }
        }
        #expect(leftAt == 22)
    }

    @Test func `Case 25: leaves at once when asked twice, or when it has nothing in hand`() {
        var worker = busy()
        _ = worker.handle(.leave(computed: []), at: .seconds(1))
        #expect(worker.handle(.stop, at: .seconds(1.1)).last == .finished(.left))
        var idle = Worker(Table.application("bob"), patience: Patience())
        _ = idle.handle(.start, at: .zero)
        #expect(idle.handle(.leave(computed: []), at: .seconds(1)).last == .finished(.left))
    }
}
