import Coordination
import Foundation
import Testing
import Wire

/// A coordinator that is told what happens, and workers that are words only.
struct Table {
    static let run = RunID(3, 4)
    var coordinator: Coordinator
    var effects: [CoordinatorEffect] = []
    var stamps: [String: Stamp] = [:]
    var pings: UInt64 = 0

    init(
        slots: Int = 8, lossScale: Float = 1, plan: StepPlan? = nil,
        change: (inout Coordinator.Settings) -> Void = { _ in }
    ) {
        var settings = Coordinator.Settings(
            run: Self.run, incarnation: 100,
            requirements: Requirements(
                software: "1", libtorch: "2.13", exactnessClass: nil,
                shape: Status.Shape(parameterCount: 2, tableHash: "two")),
            welcome: Welcome(run: Data(), bulkPort: 2, parameterCount: 2, chunkBytes: 8, creditChunks: 2, threads: 1))
        change(&settings)
        coordinator = Coordinator(
            settings, plan: plan ?? StepPlan(step: 0, slotCount: slots, lossScale: lossScale, weights: 11))
        effects = coordinator.start()
    }

    static func application(_ name: String, class exactness: String = "x") -> Application {
        Application(
            name: name, instance: UInt64(abs(name.hashValue)), software: "1", libtorch: "2.13",
            exactnessClass: exactness, cores: 1, memoryBytes: 1)
    }

    static func peer(_ name: String) -> Peer { Peer(Array(name.utf8)) }

    @discardableResult
    mutating func happen(_ event: CoordinatorEvent, at seconds: Double) -> [CoordinatorEffect] {
        effects = coordinator.handle(event, at: .seconds(seconds))
        for case .send(.welcome, let peer, let stamp) in effects {
            stamps[String(decoding: peer.routingID, as: UTF8.self)] = stamp
        }
        for case .send(.lease(let lease), let peer, _) in effects {
            given[String(decoding: peer.routingID, as: UTF8.self)] = lease
        }
        return effects
    }

    func stamp(_ name: String) -> Stamp { stamps[name] ?? .stranger }

    mutating func ping(
        _ name: String, at seconds: Double, leases: [UInt64] = [], progress: UInt64 = 0, delivery: UInt32 = 0
    ) {
        pings += 1
        var status = Status()
        status.number = pings
        status.shape = Status.Shape(parameterCount: 2, tableHash: "two")
        status.holding = Status.Holding(delivery: delivery, checksum: 11)
        status.leases = leases
        status.progress = progress
        happen(.heard(.ping(status), from: Self.peer(name), stamp: stamp(name)), at: seconds)
    }

    mutating func join(_ name: String, at seconds: Double) {
        happen(.heard(.join(Self.application(name)), from: Self.peer(name), stamp: .stranger), at: seconds)
        happen(.bulkOpened(stamp: stamp(name)), at: seconds)
        ping(name, at: seconds)
    }

    /// Brings a sum with the last lease of this worker.
    mutating func bring(
        _ slots: Range<Int>, by name: String, at seconds: Double, round: UInt32? = nil, weights: UInt64 = 11,
        slotNorm: Double = 1, norm: Double? = nil, slotSeconds: Double = 1
    ) {
        let outcomes = slots.map {
            SlotOutcome(
                slot: $0, samples: 1, loss: 1, squaredGradientNorm: slotNorm * slotNorm, sampleNames: ["\($0)"])
        }
        var lease =
            given[name]
            ?? Lease(number: 0, step: 0, round: 1, slots: 0..<1, slotCount: 1, lossScale: 1, weights: 11)
        lease.round = round ?? lease.round
        let sum = SlotSum(
            of: lease, slots: slots, weights: weights, outcomes: outcomes, seconds: Double(slots.count) * slotSeconds)
        happen(.sum(sum, norm: norm ?? slotNorm * Double(slots.count), stamp: stamp(name)), at: seconds)
    }

    /// The last lease of each worker.
    var given: [String: Lease] = [:]

    var leases: [Lease] {
        effects.compactMap { if case .send(.lease(let lease), _, _) = $0 { lease } else { nil } }
    }

    var notes: [Note] { effects.compactMap { if case .note(let note) = $0 { note } else { nil } } }

    var contribution: StepContribution? {
        effects.compactMap { if case .finishStep(let contribution) = $0 { contribution } else { nil } }.first
    }
}

@Suite struct `A coordinator` {
    @Test(arguments: ["", "a\nb", "\u{202E}dab", String(repeating: "x", count: 101)])
    func `takes nobody in whose name cannot be printed`(name: String) {
        var table = Table()
        table.happen(.heard(.join(Table.application(name)), from: Table.peer("ada"), stamp: .stranger), at: 0)
        let refusals = table.notes.compactMap { if case .refused(_, let refusal) = $0 { refusal } else { nil } }
        #expect(refusals.map(\.field) == ["worker name"])
        #expect(table.coordinator.membership.members.isEmpty)
    }

    @Test func `welcomes a worker, sends it weights, and leases it the step`() {
        var table = Table()
        table.happen(.heard(.join(Table.application("ada")), from: Table.peer("ada"), stamp: .stranger), at: 0)
        #expect(table.stamp("ada").worker == WorkerID(1))
        #expect(table.stamp("ada").incarnation > 100)
        #expect(table.happen(.bulkOpened(stamp: table.stamp("ada")), at: 0).isEmpty)
        var status = Status()
        status.number = 1
        status.shape = Status.Shape(parameterCount: 2, tableHash: "two")
        table.happen(.heard(.ping(status), from: Table.peer("ada"), stamp: table.stamp("ada")), at: 0.1)
        #expect(table.effects.contains(.sendWeights(to: WorkerID(1), step: 0, delivery: 1)))
        #expect(table.leases.map(\.slots) == [0..<8])
        #expect(table.leases.first?.weights == 11)
    }

    @Test func `commits a step once, when every slot is in`() {
        var table = Table()
        table.join("ada", at: 0)
        table.bring(0..<8, by: "ada", at: 8)
        #expect(table.effects.first == .keep(0..<8, from: WorkerID(1)))
        #expect(table.contribution?.samples == 8)
        table.bring(0..<8, by: "ada", at: 8)
        #expect(table.effects == [.discard(0..<8, from: WorkerID(1))])
        table.happen(.applied(.committed, next: StepPlan(step: 1, slotCount: 4, lossScale: 1, weights: 12)), at: 9)
        #expect(table.effects.contains(.begin(round: 2, step: 1, slotCount: 4)))
        #expect(table.leases.map(\.slots) == [0..<4])
    }

    @Test func `Case 17: takes a sum once, and a larger one in place of the smaller ones in it`() {
        var table = Table()
        table.join("ada", at: 0)
        table.bring(0..<2, by: "ada", at: 1)
        table.bring(0..<2, by: "ada", at: 2)
        #expect(table.effects == [.discard(0..<2, from: WorkerID(1))])
        table.bring(0..<4, by: "ada", at: 3)
        #expect(table.effects == [.keep(0..<4, from: WorkerID(1))])
        table.bring(2..<4, by: "ada", at: 3)
        #expect(table.effects == [.discard(2..<4, from: WorkerID(1))])
        #expect(table.coordinator.dropped.duplicate == 2)
        table.bring(4..<8, by: "ada", at: 4)
        #expect(table.contribution?.outcomes.map(\.slot) == Array(0..<8))
    }

    @Test func `Case 17: drops and counts what belongs to an earlier round or life`() {
        var table = Table()
        table.join("ada", at: 0)
        let earlier = table.stamp("ada")
        table.bring(0..<8, by: "ada", at: 1, round: 7)
        #expect(table.effects == [.discard(0..<8, from: WorkerID(1))])
        table.join("ada", at: 2)  // anew, from the same process
        #expect(table.stamp("ada").incarnation > earlier.incarnation)
        table.stamps["ada"] = earlier
        table.bring(0..<8, by: "ada", at: 3)
        #expect(table.contribution == nil)
        table.ping("ada", at: 3)
        guard case .send(.rejoin, _, _)? = table.effects.first else {
            Issue.record("not asked to join again")
            return
        }
        #expect(table.coordinator.dropped.stale == 3)
    }

    @Test func `takes no sum that its worker was not asked for`() {
        var table = Table()
        table.join("ada", at: 0)
        table.join("bob", at: 0)  // idle: ada has all of it
        table.bring(0..<4, by: "bob", at: 1)
        #expect(table.effects == [.discard(0..<4, from: WorkerID(2))])
        table.bring(1..<3, by: "ada", at: 1)  // no subtree
        #expect(table.effects == [.discard(1..<3, from: WorkerID(1))])
        #expect(table.coordinator.dropped.malformed == 2)
    }

    @Test func `waits for the minimum of workers, but not for ever`() {
        var table = Table { $0.minimumWorkers = 3 }
        table.join("ada", at: 0)
        #expect(table.leases.isEmpty)
        table.join("bob", at: 1)
        #expect(table.leases.isEmpty)
        for second in 1..<10 {
            table.ping("ada", at: Double(second))
            table.ping("bob", at: Double(second))
        }
        #expect(table.leases.isEmpty)
        table.happen(.tick, at: 10.1)
        #expect(table.leases.map(\.slots) == [0..<4, 4..<8])
    }

    @Test func `suspects at 3 s, gives up at 5 s, and has the slots computed elsewhere`() {
        var table = Table { $0.minimumWorkers = 2 }
        table.join("ada", at: 0)
        table.join("bob", at: 0)
        #expect(table.leases.map(\.slots) == [0..<4, 4..<8])
        let lease = table.leases[0].number
        table.ping("ada", at: 3, leases: [lease])
        table.happen(.tick, at: 3.1)
        #expect(table.notes == [.suspect(WorkerID(2), silentFor: .seconds(3.1))])
        table.bring(0..<4, by: "ada", at: 4)
        #expect(table.leases.isEmpty)
        table.happen(.tick, at: 5.1)
        #expect(table.effects.contains(.forget(WorkerID(2))))
        #expect(table.notes.contains(.reassigned(slots: 4, of: WorkerID(2))))
        #expect(table.leases.map(\.slots) == [4..<8])
    }

    /// Waits for a worker that says every second that it is at the same slot.
    private func gone(_ name: String, in table: inout Table, since: Int, until: Int) -> (at: Int, reason: String)? {
        for second in since...until {
            table.ping(name, at: Double(second), leases: table.given[name].map { [$0.number] } ?? [], progress: 7)
            table.happen(.tick, at: Double(second))
            for case .left(_, name, let reason) in table.notes { return (second, reason) }
        }
        return nil
    }

    @Test(arguments: [(slot: 1.0, patience: 30), (slot: 10, patience: 50), (slot: 100, patience: 500)])
    func `Case 8: gives a learner that stands still five of its own slots' time, and 30 s at least`(
        slot: Double, patience: Int
    ) {
        var table = Table(slots: 1)
        table.join("ada", at: 0)
        table.ping("ada", at: 1, leases: table.leases.map(\.number), progress: 7)
        table.bring(0..<1, by: "ada", at: 2, slotSeconds: slot)
        table.happen(.applied(.committed, next: StepPlan(step: 1, slotCount: 1, lossScale: 1, weights: 11)), at: 2)
        #expect(table.leases.count == 1)
        let gone = gone("ada", in: &table, since: 3, until: 1000)
        #expect(gone?.at == 2 + patience + 1)
        #expect(gone?.reason == "its learner has stood still for \(patience + 1) s")
        #expect(table.effects.contains { if case .send(.rejoin, _, _) = $0 { true } else { false } })
        #expect(table.notes.contains(.reassigned(slots: 1, of: WorkerID(1))))
    }

    @Test func `Case 8: measures a learner by its own slots, and not by another's`() {
        var table = Table(slots: 2) { $0.minimumWorkers = 2 }
        for name in ["ada", "bob"] {
            table.join(name, at: 0)
            table.ping(name, at: 1, progress: 7)
        }
        #expect(table.given.mapValues(\.slots) == ["ada": 0..<1, "bob": 1..<2])
        table.bring(0..<1, by: "ada", at: 2, slotSeconds: 1)
        table.bring(1..<2, by: "bob", at: 2, slotSeconds: 10)
        table.happen(.applied(.committed, next: StepPlan(step: 1, slotCount: 22, lossScale: 1, weights: 11)), at: 2)
        var partings: [String: Int] = [:]
        for second in 3...60 {
            for name in ["ada", "bob"] {
                table.ping(name, at: Double(second), leases: table.given[name].map { [$0.number] } ?? [], progress: 7)
            }
            table.happen(.tick, at: Double(second))
            for case .left(_, let name, _) in table.notes { partings[name] = partings[name] ?? second }
        }
        #expect(partings == ["ada": 33, "bob": 53])
    }

    @Test func `Case 8: lets a learner take its time that gets on, and before its first slot`() {
        var table = Table(slots: 2)
        table.join("ada", at: 0)
        let lease = table.given["ada"]?.number ?? 0
        for second in 1...890 {
            table.ping("ada", at: Double(second), leases: [lease])
            table.happen(.tick, at: Double(second))
        }
        #expect(table.coordinator.membership.members.count == 1)
        table.bring(0..<1, by: "ada", at: 890)
        for second in 891...2000 {
            table.ping("ada", at: Double(second), leases: [lease], progress: UInt64(second / 29))
            table.happen(.tick, at: Double(second))
        }
        #expect(table.coordinator.membership.members.count == 1)
    }

    @Test func `keeps what a worker brought before it died`() {
        var table = Table()
        table.join("ada", at: 0)
        table.join("bob", at: 0)
        table.bring(0..<4, by: "ada", at: 2)
        table.happen(.heard(.leave, from: Table.peer("ada"), stamp: table.stamp("ada")), at: 3)
        #expect(table.leases.map(\.slots) == [4..<8])
        table.bring(4..<8, by: "bob", at: 5)
        #expect(table.contribution?.shares.map(\.slots) == [4, 4])
        #expect(table.contribution?.outcomes.map(\.slot) == Array(0..<8))
    }

    @Test func `asks an idle worker too when one is late, and takes the first answer`() {
        var table = Table(slots: 2) { $0.minimumWorkers = 2 }
        table.join("ada", at: 0)
        table.join("bob", at: 0)
        var now = 0.0
        for step in 1...4 {
            now += 1
            table.bring(0..<1, by: "ada", at: now, round: UInt32(step))
            table.bring(1..<2, by: "bob", at: now, round: UInt32(step))
            table.happen(
                .applied(.committed, next: StepPlan(step: step, slotCount: 2, lossScale: 1, weights: 11)), at: now)
        }
        let late = table.leases[1].number
        table.bring(0..<1, by: "ada", at: now + 1, round: 5)
        for second in 1...2 {
            table.ping("ada", at: now + Double(second))
            table.ping("bob", at: now + Double(second), leases: [late], progress: UInt64(second))
        }
        #expect(table.leases.isEmpty)
        table.happen(.tick, at: now + 2.6)
        #expect(table.notes == [.late(WorkerID(2), slots: 1)])
        #expect(table.leases.map(\.slots) == [1..<2])
        table.bring(1..<2, by: "ada", at: now + 3.6, round: 5)
        #expect(table.contribution?.shares.map(\.name) == ["ada"])
        table.bring(1..<2, by: "bob", at: now + 3.7, round: 5)
        #expect(table.effects == [.discard(1..<2, from: WorkerID(2))])
    }

    @Test func `leases again what a worker does not know of`() {
        var table = Table()
        table.join("ada", at: 0)
        table.ping("ada", at: 1)  // too early to tell
        table.ping("ada", at: 2)
        #expect(table.leases.isEmpty)
        table.ping("ada", at: 3)
        #expect(table.leases.map(\.slots) == [0..<8])
    }

    private func notFinite(_ slot: Int, lease: UInt64) -> WorkerMessage {
        .notFinite(
            lease: lease, round: 1,
            outcome: SlotOutcome(
                slot: slot, samples: 1, loss: .nan, squaredGradientNorm: 0, sampleNames: ["deer.png"],
                notFinite: "text encoder"))
    }

    @Test func `has a slot that is not finite computed elsewhere, and then leaves it out by name`() {
        var table = Table { $0.minimumWorkers = 2 }
        table.join("ada", at: 0)
        table.join("bob", at: 0)
        table.happen(
            .heard(
                notFinite(2, lease: table.given["ada"]?.number ?? 0), from: Table.peer("ada"), stamp: table.stamp("ada")
            ), at: 1)
        #expect(table.leases.isEmpty)  // bob is busy, and ada may not judge again
        for slots in [0..<2, 3..<4] { table.bring(slots, by: "ada", at: 1) }
        #expect(table.leases.isEmpty)
        table.bring(4..<8, by: "bob", at: 2)
        #expect(table.leases.map(\.slots) == [2..<3])
        table.happen(
            .heard(
                notFinite(2, lease: table.given["bob"]?.number ?? 0), from: Table.peer("bob"), stamp: table.stamp("bob")
            ), at: 3)
        #expect(table.contribution?.leftOut.map(\.sampleNames) == [["deer.png"]])
        #expect(table.contribution?.samples == 7)
        #expect(table.notes.last?.description.contains("deer.png") == true)
    }

    @Test func `tries a slot that is not finite again at the only worker there is`() {
        var table = Table(slots: 1)
        table.join("ada", at: 0)
        table.happen(
            .heard(
                notFinite(0, lease: table.given["ada"]?.number ?? 0), from: Table.peer("ada"), stamp: table.stamp("ada")
            ), at: 1)
        #expect(table.leases.map(\.slots) == [0..<1])
        table.bring(0..<1, by: "ada", at: 2)
        #expect(table.contribution?.leftOut.isEmpty == true)
    }

    @Test func `asks for no second opinion while there is a loss scale`() {
        var table = Table(slots: 1, lossScale: 65_536)
        table.join("ada", at: 0)
        table.happen(
            .heard(
                notFinite(0, lease: table.given["ada"]?.number ?? 0), from: Table.peer("ada"), stamp: table.stamp("ada")
            ), at: 1)
        #expect(table.contribution?.leftOut.count == 1)
        let again = StepPlan(step: 0, slotCount: 1, lossScale: 32_768, weights: 11)
        table.happen(.applied(.repeated(reason: "the loss scale is halved"), next: again), at: 1)
        #expect(table.notes == [.repeated(step: 0, reason: "the loss scale is halved")])
        #expect(table.leases.map(\.lossScale) == [32_768])
        #expect(table.leases.map(\.round) == [2])
    }

    @Test func `says what it waits for when nobody is there`() {
        var table = Table()
        table.happen(.tick, at: 0)
        #expect(table.notes == [.waiting(reason: "step 0 waits for a worker to join")])
        table.happen(.tick, at: 10)
        #expect(table.notes.isEmpty)
        table.happen(.tick, at: 31)
        #expect(table.notes.count == 1)
    }

    @Test(arguments: [
        ("software", "the Danlu version is 9 here and 1 at the coordinator: install Danlu 1 on this worker"),
        (
            "libtorch",
            "the libtorch version is 9 here and 2.13 at the coordinator: "
                + "install libtorch 2.13 on this worker, or name one with LIBTORCH"
        ),
        (
            "exactness",
            "the exactness class is 9 here and x at the coordinator: "
                + "use a machine of the coordinator's class, or run without --exact"
        ),
    ])
    func `Case 13: refuses what does not fit, with both values and the fix`(field: String, sentence: String) {
        var table = Table { $0.requirements.exactnessClass = "" }
        table.join("ada", at: 0)
        var application = Table.application("bob")
        switch field {
        case "software": application.software = "9"
        case "libtorch": application.libtorch = "9"
        default: application.exactnessClass = "9"
        }
        table.happen(.heard(.join(application), from: Table.peer("bob"), stamp: .stranger), at: 1)
        guard case .send(.refused(let refusal), _, _)? = table.effects.first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.description == sentence)
        #expect(table.stamps["bob"] == nil)
    }

    @Test func `Case 13: refuses a worker that trains something of another shape`() {
        var table = Table()
        table.happen(.heard(.join(Table.application("ada")), from: Table.peer("ada"), stamp: .stranger), at: 0)
        var status = Status()
        status.shape = Status.Shape(parameterCount: 3, tableHash: "three")
        table.happen(.heard(.ping(status), from: Table.peer("ada"), stamp: table.stamp("ada")), at: 0)
        #expect(table.effects.contains(.forget(WorkerID(1))))
        #expect(table.notes.last?.description.contains("3 numbers (three) here and 2 numbers (two)") == true)
    }

    @Test func `sends damaged weights again, and gives up on who never gets them whole`() {
        var table = Table()
        table.happen(.heard(.join(Table.application("ada")), from: Table.peer("ada"), stamp: .stranger), at: 0)
        table.happen(.bulkOpened(stamp: table.stamp("ada")), at: 0)
        func ping(_ delivery: UInt32?) -> WorkerMessage {
            var status = Status()
            status.shape = Status.Shape(parameterCount: 2, tableHash: "two")
            status.holding = delivery.map { Status.Holding(delivery: $0, checksum: 666) }
            return .ping(status)
        }
        func deliveries(_ table: Table) -> [UInt32] {
            table.effects.compactMap { if case .sendWeights(_, _, let delivery) = $0 { delivery } else { nil } }
        }
        var sent: [[UInt32]] = []
        for delivery in [nil, 1, 1, 2] as [UInt32?] {
            table.happen(.heard(ping(delivery), from: Table.peer("ada"), stamp: table.stamp("ada")), at: 1)
            sent.append(deliveries(table))
        }
        #expect(sent == [[1], [2], [], [3]])
        #expect(table.notes == [.damagedWeights(WorkerID(1))])
        table.happen(.heard(ping(3), from: Table.peer("ada"), stamp: table.stamp("ada")), at: 2)
        #expect(deliveries(table).isEmpty)
        #expect(table.effects.contains(.forget(WorkerID(1))))
    }

    @Test func `sends weights again that did not come in reasonable time`() {
        var table = Table()
        table.happen(.heard(.join(Table.application("ada")), from: Table.peer("ada"), stamp: .stranger), at: 0)
        table.happen(.bulkOpened(stamp: table.stamp("ada")), at: 0)
        var status = Status()
        status.shape = Status.Shape(parameterCount: 2, tableHash: "two")
        for second in 0..<11 {
            table.happen(
                .heard(.ping(status), from: Table.peer("ada"), stamp: table.stamp("ada")), at: Double(second))
            #expect(table.effects.contains(.sendWeights(to: WorkerID(1), step: 0, delivery: 1)) == (second == 0))
        }
        table.happen(.tick, at: 11)
        #expect(table.effects.contains(.sendWeights(to: WorkerID(1), step: 0, delivery: 2)))
    }

    @Test func `stops after the step when asked, and at once when asked again`() {
        var table = Table()
        table.join("ada", at: 0)
        #expect(table.happen(.stop(reason: "enough"), at: 1).isEmpty)
        #expect(table.happen(.stop(reason: "now"), at: 1) == [.save])
        #expect(
            table.happen(.saved, at: 1) == [
                .note(.saved(step: 0)),
                .send(.goodbye(finished: false, reason: "enough"), to: Table.peer("ada"), stamp: table.stamp("ada")),
                .finished(.stopped(reason: "enough")),
            ])
        #expect(table.happen(.tick, at: 2).isEmpty)
    }

    @Test func `stops at once when nobody computes`() {
        var table = Table()
        #expect(table.happen(.stop(reason: "enough"), at: 1) == [.save])
        #expect(
            table.happen(.saved, at: 1) == [.note(.saved(step: 0)), .finished(.stopped(reason: "enough"))])
    }

    @Test func `gives up when the master does, and passes on the advice`() {
        var table = Table()
        table.join("ada", at: 0)
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.applied(.stopped(advice: "lower text_encoder_lr"), next: nil), at: 2)
        #expect(table.effects.last == .finished(.gaveUp(advice: "lower text_encoder_lr")))
    }
}
