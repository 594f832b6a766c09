import Coordination
import Testing

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
}
