import Coordination
import Foundation
import Testing
import Wire

@Suite struct `A simulated cluster` {
    /// Runs one seed, and says which one it was when something does not hold.
    @discardableResult
    private func run(_ world: Simulation.World, seed: UInt64, expectsAll: Bool = true) -> Simulation {
        var simulation = Simulation(world, seed: seed)
        simulation.run()
        #expect(simulation.violations.isEmpty, "seed \(seed)")
        #expect(simulation.finish == .complete, "seed \(seed)")
        if expectsAll { #expect(simulation.weights == Simulation.expected(world), "seed \(seed)") }
        return simulation
    }

    /// What one drawn world came to.
    private struct Outcome: Sendable {
        var seed: UInt64
        var complaints: [String]
        var happened: Set<Simulation.Fault>
        var said: Set<String>
        var events: Int
        var shardedSteps: Int
        /// Whether the steps grew with the world to the run's last slot.
        var hasGrown: Bool
    }

    private static func outcome(_ seed: UInt64) -> Outcome {
        let world = Simulation.World.drawn(seed)
        var simulation = Simulation(world, seed: seed)
        simulation.run()
        var complaints = simulation.violations
        let isWhole = simulation.contributions.allSatisfy(\.leftOut.isEmpty)
        if complaints.isEmpty && isWhole && world.slotsPerWorker == nil
            && simulation.weights != Simulation.expected(world)
        {
            complaints = ["the run ended with other weights than one without a cluster"]
        }
        let said = simulation.notes.compactMap { Mirror(reflecting: $0).children.first?.label }
        return Outcome(
            seed: seed, complaints: complaints, happened: simulation.happened, said: Set(said),
            events: simulation.events, shardedSteps: simulation.shardedSteps,
            hasGrown: world.slotsPerWorker != nil && simulation.cursor == world.totalSlots)
    }

    /// DANLU_SEED=N plays one seed again; DANLU_SEEDS=N plays that many.
    private static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["DANLU_SEED"].flatMap(UInt64.init) { return seed..<seed + 1 }
        return 0..<(environment["DANLU_SEEDS"].flatMap(UInt64.init) ?? 2_000)
    }()

    @Test func `keeps its invariants after every event in thousands of bad worlds`() async {
        let seeds = Self.seeds
        let outcomes = await withTaskGroup(of: [Outcome].self) { group in
            let lanes = UInt64(max(1, ProcessInfo.processInfo.activeProcessorCount))
            for lane in 0..<lanes {
                group.addTask {
                    stride(from: seeds.lowerBound + lane, to: seeds.upperBound, by: UInt64.Stride(lanes)).map(
                        Self.outcome)
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        for outcome in outcomes where !outcome.complaints.isEmpty {
            Issue.record("seed \(outcome.seed) (DANLU_SEED=\(outcome.seed) plays it again): \(outcome.complaints)")
        }
        guard seeds.count >= 1_000 else { return }
        // A fault that never happens proves nothing.
        let happened = outcomes.reduce(into: Set()) { $0.formUnion($1.happened) }
        // Slots that are not finite have tests of their own.
        #expect(happened == Set(Simulation.Fault.allCases).subtracting([.sumInVain]))
        let said = outcomes.reduce(into: Set()) { $0.formUnion($1.said) }
        let expected: Set = [
            "joined", "ready", "refused", "suspect", "left", "late", "reassigned", "otherWeights", "sumNotFinite",
            "absurd", "waiting", "pausing", "paused", "resumed", "saved", "notSaved", "quarantined", "admitted",
            "fellBack", "adopted", "resized",
        ]
        #expect(expected.subtracting(said).isEmpty)
        #expect(outcomes.reduce(0) { $0 + $1.shardedSteps } > seeds.count / 4)
        #expect(outcomes.count(where: \.hasGrown) > seeds.count / 5)
    }

    @Test(arguments: [1, 2, 3, 5, 8])
    func `of any size makes the same bits`(workers: Int) {
        var world = Simulation.World()
        world.workers = workers
        for seed in 0..<10 as Range<UInt64> { run(world, seed: seed) }
    }

    @Test func `survives messages that are lost, doubled and late`() {
        var world = Simulation.World()
        world.drop = 0.05
        world.duplicate = 0.05
        world.delay = 0.3
        for seed in 0..<60 as Range<UInt64> { run(world, seed: seed) }
    }

    @Test func `survives workers that crash, freeze and hang`() {
        var world = Simulation.World()
        world.workers = 4
        world.steps = 12
        world.blows = 1.5
        for seed in 0..<80 as Range<UInt64> { run(world, seed: seed) }
    }

    @Test func `survives the coordinator's crashes`() {
        var world = Simulation.World()
        world.steps = 10
        world.coordinatorCrashes = 4
        for seed in 0..<40 as Range<UInt64> { run(world, seed: seed) }
    }

    @Test func `goes on from a whole state wherever the writing of one is cut off`() throws {
        let states = (1...4).map { Disk.State(step: $0, weights: .init(Float($0), 1 / Float($0)), cursor: 7 * $0) }
        var whole = Disk()
        for state in states.dropLast() { whole.save(state) }
        #expect(whole.latest == states[2] && whole.files.count == 2)
        var found: [Disk.State?] = []
        for strength in 0...Disk.deeds {
            var disk = whole
            disk.save(states[3], strength: strength)
            found.append(disk.latest)
            disk.tidy()
            #expect(disk.latest == found.last && disk.files.count <= 3)
        }
        // Until it has its name, the one before; then itself.
        #expect(found.prefix(34).allSatisfy { $0 == states[2] } && found.dropFirst(34).allSatisfy { $0 == states[3] })
    }

    @Test func `survives all of it at once`() {
        var world = Simulation.World()
        world.workers = 5
        world.steps = 10
        world.slots = 13
        world.drop = 0.03
        world.duplicate = 0.05
        world.delay = 0.2
        world.blows = 3
        world.coordinatorCrashes = 15
        for seed in 0..<80 as Range<UInt64> { run(world, seed: seed) }
    }

    @Test func `computes elsewhere what is not finite at one worker, and ends in the same bits`() {
        var world = Simulation.World()
        world.workers = 4
        world.blows = 4
        world.flaky = { step, slot, worker in worker == 0 && (step + slot) % 3 == 0 }
        for seed in 0..<30 as Range<UInt64> { run(world, seed: seed, expectsAll: false) }
        world.blows = 0
        for seed in 0..<10 as Range<UInt64> {
            let simulation = run(world, seed: seed)
            #expect(simulation.contributions.allSatisfy { $0.leftOut.isEmpty })
        }
    }

    @Test func `leaves out what is finite nowhere, and names it`() {
        var world = Simulation.World()
        world.drop = 0.02
        world.flaky = { step, slot, _ in step == 2 && slot == 3 }
        for seed in 0..<20 as Range<UInt64> {
            let simulation = run(world, seed: seed, expectsAll: false)
            #expect(simulation.contributions.map(\.leftOut.count) == [0, 0, 1, 0, 0, 0], "seed \(seed)")
            #expect(simulation.contributions[2].leftOut.first?.sampleNames == ["2003"])
        }
    }

    @Test(arguments: [2, 3, 5])
    func `makes the same bits where workers add up among themselves`(workers: Int) {
        var world = Simulation.World()
        world.workers = workers
        world.minimumWorkers = workers
        world.isSharded = true
        // Nothing overtakes anything, so that everybody knows everybody at once.
        world.delay = 0.0001
        for seed in 0..<10 as Range<UInt64> {
            let simulation = run(world, seed: seed)
            #expect(simulation.shardedSteps == world.steps, "seed \(seed): \(simulation.notes)")
        }
    }

    @Test func `survives owners of shards that die, peers that are cut off, and false words between workers`() {
        var world = Simulation.World()
        world.workers = 4
        world.steps = 12
        world.isSharded = true
        world.blows = 3
        world.cuts = 3
        world.lies = 2
        world.drop = 0.01
        var happened = Set<Simulation.Fault>()
        for seed in 0..<60 as Range<UInt64> { happened.formUnion(run(world, seed: seed).happened) }
        let expected: Set<Simulation.Fault> = [
            .ownerGone, .cutOff, .misstatedNorm, .falseSegment, .longerSegment, .falseShard,
        ]
        #expect(expected.isSubset(of: happened))
    }

    @Test func `adds up other sums than were expected where parts of one have gone out that is not finite`() {
        var world = Simulation.World()
        world.workers = 4
        world.minimumWorkers = 4
        world.isSharded = true
        world.flaky = { step, slot, worker in worker == 0 && (step + slot) % 3 == 0 }
        var (happened, shardedSteps) = (Set<Simulation.Fault>(), 0)
        for seed in 0..<20 as Range<UInt64> {
            let simulation = run(world, seed: seed)
            #expect(simulation.contributions.allSatisfy { $0.leftOut.isEmpty }, "seed \(seed)")
            happened.formUnion(simulation.happened)
            shardedSteps += simulation.shardedSteps
        }
        #expect(happened.contains(.sumInVain) && shardedSteps > 0)
    }

    @Test func `commits every slot of a run once where steps grow with the world`() {
        var world = Simulation.World()
        world.workers = 4
        world.steps = 10
        world.slotsPerWorker = 2
        world.blows = 2
        world.coordinatorCrashes = 15
        var sizes = Set<Int>()
        for seed in 0..<40 as Range<UInt64> {
            let simulation = run(world, seed: seed, expectsAll: false)
            #expect(simulation.contributions.reduce(0) { $0 + $1.samples } == world.totalSlots, "seed \(seed)")
            sizes.formUnion(simulation.contributions.map(\.samples))
        }
        #expect(sizes.isSuperset(of: [2, 4, 6, 8]))
    }

    @Test func `gives a slow worker less, and is as fast as its sum`() {
        var world = Simulation.World()
        world.workers = 2
        world.steps = 20
        world.slots = 16
        world.slotSeconds = { worker in worker == 0 ? 0.1 : 0.3 }
        let simulation = run(world, seed: 1)
        let shares = simulation.contributions.last?.shares.sorted { $0.name < $1.name }.map(\.slots)
        #expect(shares == [12, 4])
        // 16 slots at 10 + 3⅓ slots a second take 1.2 s.
        #expect((simulation.contributions.last?.seconds ?? 9) < 1.5)
    }

    @Test func `is hit by what it is said to survive`() {
        var world = Simulation.World()
        world.workers = 4
        world.steps = 12
        world.blows = 1.5
        var happened = Set<String>()
        for seed in 0..<60 as Range<UInt64> {
            for note in run(world, seed: seed).notes {
                switch note {
                case .left(_, _, let reason): happened.insert(reason.hasPrefix("silent") ? "died" : "left")
                case .late: happened.insert("late")
                case .reassigned: happened.insert("reassigned")
                case .suspect: happened.insert("suspect")
                default: break
                }
            }
        }
        #expect(happened == ["died", "left", "late", "reassigned", "suspect"])
    }

    @Test func `runs the same for the same seed`() {
        var world = Simulation.World()
        world.blows = 2
        world.drop = 0.05
        let (one, other) = (run(world, seed: 42), run(world, seed: 42))
        #expect(one.events == other.events && one.now == other.now && one.notes == other.notes)
        #expect(run(world, seed: 43).events != one.events)
    }

    @Test func `runs 1,024 workers`() {
        var world = Simulation.World()
        world.workers = 1024
        world.minimumWorkers = 1024
        world.steps = 2
        world.slots = 2048
        let simulation = run(world, seed: 1)
        #expect(simulation.contributions.last?.shares.count == 1024)
    }
}
