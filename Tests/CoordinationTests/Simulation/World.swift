import TestSupport

extension Simulation {
    /// What may go wrong, and what people may do.
    enum Fault: String, CaseIterable {
        case drop, duplicate, delay, reorder, corrupt, deafCoordinator, deafWorker
        case crash, freeze, hang, slow, preempt
        case cutOff, ownerGone, misstatedNorm, falseSegment, longerSegment, falseShard, sumInVain
        case foreseen, foreseenInVain, toldAsChange
        case flippedSum, flippedWeights, absurd, spike
        case coordinatorCrash, cutSave, fullDisk
        case pause, drain, save, admit, stop
    }

    /// How bad the world is.
    struct World {
        var workers = 3
        var minimumWorkers = 2
        var steps = 6
        /// Whether pictures are due every third step and at the end.
        var makesPictures = false
        var slots = 7
        /// Of each message.
        var drop = 0.0
        var duplicate = 0.0
        /// Bits turn over on the way; a checksum notices.
        var corrupt = 0.0
        /// Longest delay, in seconds; messages overtake each other.
        var delay = 0.02
        /// Seconds between blows to a worker (crash, freeze, hang, slowness, preemption), on average; 0 is never.
        var blows = 0.0
        /// Seconds between partitions: one worker is not heard, or does not hear.
        var partitions = 0.0
        /// Seconds between bits that turn over in a worker's memory, in weights or in a sum.
        var flips = 0.0
        /// Seconds between bouts of absurd gradients at one worker.
        var absurdity = 0.0
        /// Of all slots: gradients that are large, wherever they are computed.
        var spikes = 0.0
        /// Seconds between crashes of the coordinator, at once or over the next state that it writes.
        var coordinatorCrashes = 0.0
        /// Seconds between what an operator asks for.
        var orders = 0.0
        /// Seconds between the disk's being full for a while.
        var fullDisks = 0.0
        /// Whether workers have data ports, and sums go shard by shard to those who add them up.
        var isSharded = false
        /// Seconds between cuts of the way from one worker to another, for a while; 0 is never.
        var cuts = 0.0
        /// Seconds between lies about sums and shards that go from worker to worker.
        var lies = 0.0
        /// Slots that each worker adds to a step; nil where every step has ``slots``.
        var slotsPerWorker: Int?
        /// Steps between two saves.
        var saveEvery = 1
        /// When the blows and losses end, so that the run must come to its end.
        var calmAt = 60.0
        /// Slots that are not finite at one worker.
        var flaky: (_ step: Int, _ slot: Int, _ worker: Int) -> Bool = { _, _, _ in false }
        /// Seconds for a slot at each worker.
        var slotSeconds: (_ worker: Int) -> Double = { _ in 0.2 }

        /// Slots of the whole run.
        var totalSlots: Int { steps * slots }

        /// The most slots that a step may have.
        var mostSlots: Int { slotsPerWorker.map { min(totalSlots, $0 * workers) } ?? slots }

        /// The expected seconds between two of the things that go wrong, drawn anew for each seed.
        static func drawn(_ seed: UInt64) -> World {
            var random = SeededGenerator(seed: seed ^ 0x5EED)
            func maybe(_ range: ClosedRange<Double>) -> Double {
                Bool.random(using: &random) ? .random(in: range, using: &random) : 0
            }
            var world = World()
            world.workers = .random(in: 1...5, using: &random)
            world.minimumWorkers = .random(in: 1...world.workers, using: &random)
            world.steps = .random(in: 3...7, using: &random)
            world.slots = .random(in: 1...9, using: &random)
            world.drop = maybe(0.005...0.06)
            world.duplicate = maybe(0.005...0.1)
            world.corrupt = maybe(0.005...0.03)
            world.delay = .random(in: 0.005...0.4, using: &random)
            world.blows = maybe(1...6)
            world.partitions = maybe(3...10)
            world.flips = maybe(1...6)
            world.absurdity = maybe(2...6)
            world.spikes = maybe(0.02...0.1)
            world.coordinatorCrashes = maybe(5...20)
            world.orders = maybe(2...8)
            world.fullDisks = maybe(3...15)
            world.saveEvery = .random(in: 1...3, using: &random)
            world.makesPictures = seed % 2 == 0
            world.calmAt = .random(in: 8...25, using: &random)
            let slowest = Double.random(in: 0.1...0.6, using: &random)
            world.slotSeconds = { worker in worker % 2 == 0 ? slowest : slowest / 3 }
            world.isSharded = .random(using: &random)
            world.cuts = maybe(2...8)
            world.lies = maybe(1...6)
            if Int.random(in: 0..<3, using: &random) == 0 { world.slotsPerWorker = .random(in: 1...3, using: &random) }
            return world
        }
    }
}
