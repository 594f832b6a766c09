import Coordination
import Foundation
import Testing
import Wire
import ZeroMQ

@Suite struct `A step that grows with the world` {
    private func plan(_ step: Int, limit: Int, firstSlot: Int = 0) -> StepPlan {
        var plan = StepPlan(step: step, slotCount: min(2, limit), lossScale: 1, weights: 11)
        plan.growth = StepPlan.Growth(slotsPerWorker: 2, limit: limit)
        plan.firstSlot = firstSlot
        return plan
    }

    private func table(limit: Int = 100, workers: Int = 1) -> Table {
        Table(plan: plan(0, limit: limit)) { $0.minimumWorkers = workers }
    }

    @Test func `has so many slots for each worker that is in when it begins`() {
        var table = table(workers: 3)
        for name in ["ada", "bob"] { table.join(name, at: 0) }
        #expect(table.leases.isEmpty)
        table.join("cyd", at: 1)
        #expect(table.effects.contains(.begin(round: 1, step: 0, slotCount: 6)))
        #expect(table.leases.map(\.slotCount) == [6, 6, 6])
        #expect(table.leases.compactMap(\.slots) == [0..<2, 2..<4, 4..<6])
        #expect(table.notes.contains(.resized(step: 0, workers: 3, slotsPerWorker: 2)))
    }

    @Test func `keeps its size when a worker dies, and the next one follows`() {
        var table = table(workers: 2)
        for name in ["ada", "bob"] { table.join(name, at: 0) }
        table.happen(.unreachable(table.stamp("bob").worker), at: 1)
        table.bring(0..<2, by: "ada", at: 2)
        #expect(table.leases.compactMap(\.slots) == [2..<4])
        table.bring(2..<4, by: "ada", at: 3)
        #expect(table.contribution?.workers == 2 && table.contribution?.samples == 4)
        table.happen(.applied(.committed, next: plan(1, limit: 100, firstSlot: 4)), at: 4)
        #expect(table.leases.map(\.slotCount) == [2] && table.leases.map(\.firstSlot) == [4])
        #expect(table.notes.contains(.resized(step: 1, workers: 1, slotsPerWorker: 2)))
    }

    @Test func `takes who comes in the middle into the next one, and says nothing while nothing changes`() {
        var table = table()
        table.join("ada", at: 0)
        table.join("bob", at: 1)
        #expect(table.leases.isEmpty)
        table.bring(0..<2, by: "ada", at: 2)
        #expect(table.contribution?.workers == 1)
        table.happen(.applied(.committed, next: plan(1, limit: 100, firstSlot: 2)), at: 3)
        #expect(table.leases.compactMap(\.slots) == [0..<2, 2..<4])
        table.bring(0..<2, by: "ada", at: 4, round: 2)
        table.bring(2..<4, by: "bob", at: 4, round: 2)
        table.happen(.applied(.committed, next: plan(2, limit: 100, firstSlot: 6)), at: 5)
        #expect(!table.notes.contains { if case .resized = $0 { true } else { false } })
    }

    @Test func `ends where its epoch ends`() {
        var table = table(limit: 3, workers: 2)
        for name in ["ada", "bob"] { table.join(name, at: 0) }
        #expect(table.effects.contains(.begin(round: 1, step: 0, slotCount: 3)))
        #expect(table.leases.map(\.slotCount) == [3, 3])
    }

    @Test func `cannot be counted past what there is`() {
        var table = Table(
            plan: {
                var plan = plan(0, limit: 5)
                plan.growth = StepPlan.Growth(slotsPerWorker: .max, limit: 5)
                return plan
            }()
        ) { $0.minimumWorkers = 2 }
        for name in ["ada", "bob"] { table.join(name, at: 0) }
        #expect(table.leases.map(\.slotCount) == [5, 5])
    }

    @Test func `over real sockets asks for each slot of the run once, whoever goes`() throws {
        let master = CountingMaster(total: 101)
        let service = try CoordinatorService(
            LoopbackCluster.configuration(minimumWorkers: 2), master: master, observe: { _ in })
        let stays = try LoopbackWorker("stays", at: service.address)
        let leaves = try LoopbackWorker("leaves", at: service.address)
        master.afterStep = { if $0 == 3 { leaves.service.commands.put(.stop) } }
        #expect(try service.run() == .complete)
        #expect(try stays.end() == .dismissed(finished: true, reason: "the run is complete"))
        _ = try leaves.end()
        #expect(master.seen == (0..<101).map { "\($0)" })
        #expect(master.worlds.first == 2)
    }
}

/// Notes which slots of the run were asked for, two for each worker and step.
private final class CountingMaster: Master {
    let parameterCount = StraightLine.parameterCount
    let shapeTableHash = StraightLine.hash
    let total: Int
    var seen: [String] = []
    var worlds: [Int] = []
    var step = 0
    let lossScale: Float = 1
    let slotsPerWorker: Int? = 2
    var afterStep: (Int) -> Void = { _ in }

    init(total: Int) { self.total = total }

    var totalSteps: Int { seen.count < total ? step + 1 : step }
    func slotCount(of step: Int) -> Int { total - seen.count }
    func firstSlot(of step: Int) -> Int { seen.count }

    func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try [Float](repeating: 0, count: parameterCount).withUnsafeBufferPointer(body)
    }

    func apply(_ sum: UnsafeMutableBufferPointer<Float>, _ contribution: StepContribution) -> StepVerdict {
        seen += contribution.outcomes.compactMap { $0.sampleNames.first?.split(separator: "/")[1] }.map(String.init)
        worlds.append(contribution.workers)
        step += 1
        afterStep(step)
        return .committed
    }

    func save() {}
}
