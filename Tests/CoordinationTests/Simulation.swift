import Coordination
import Foundation
import Wire

/// A whole cluster in virtual time: the real decisions, a network and machines made of a seed.
///
/// Everything that happens is on one queue; the same seed gives the same run. What must hold is checked as it happens,
/// and what did not is in ``violations``.
struct Simulation {
    /// How bad the world is.
    struct World {
        var workers = 3
        var minimumWorkers = 2
        var steps = 6
        var slots = 7
        /// Of each message.
        var drop = 0.0
        var duplicate = 0.0
        /// Longest delay, in seconds; messages overtake each other.
        var delay = 0.02
        /// Seconds between blows to a worker (crash, freeze, hang), on average; 0 is never.
        var blows = 0.0
        /// Seconds between crashes of the coordinator.
        var coordinatorCrashes = 0.0
        /// When the blows and losses end, so that the run must come to its end.
        var calmAt = 60.0
        /// Slots that are not finite at one worker.
        var flaky: (_ step: Int, _ slot: Int, _ worker: Int) -> Bool = { _, _, _ in false }
        /// Seconds for a slot at each worker.
        var slotSeconds: (_ worker: Int) -> Double = { _ in 0.2 }
    }

    /// What is on the queue.
    enum Happening {
        case toCoordinator(CoordinatorEvent, life: Int, FlatFloats?)
        case toWorker(Int, connection: Int, CoordinatorMessage, Stamp)
        case weights(Int, connection: Int, [Float], Status.Holding, step: Int)
        case workerEvent(Int, Worker.Event, life: Int)
        case computed(Int, life: Int, epoch: Int, lease: Lease, slot: Int)
        case coordinatorTick(life: Int)
        case workerTick(Int, life: Int)
        case blow
        case coordinatorCrash
        case startWorker(Int, life: Int)
        case startCoordinator
        case thaw(Int, life: Int)
    }

    struct SimulatedWorker {
        var machine: Worker
        var isAlive = false
        /// Stopped as by SIGSTOP: what comes is kept for later.
        var isFrozen = false
        /// The learner stands still, and pings go on.
        var isStuck = false
        var kept: [Happening] = []
        var life = 0
        /// Counts connections; the coordinator knows each by its own name.
        var connection = 0
        var epoch = 0
        var round: UInt32 = 0
        var weights: [Float] = []
        var sums: [UInt64: PartialSums] = [:]
        /// What the learner holds while it computes a lease; jobs are done in order.
        var weightsOfLease: [UInt64: [Float]] = [:]
        var outcomes: [UInt64: [SlotOutcome]] = [:]
        var progress: UInt64 = 0
        var busyUntil = 0.0
        var end: Worker.End?
    }

    let world: World
    private var random: SeededGenerator
    private var queue = EventQueue<Happening>()
    private(set) var now = 0.0
    private(set) var events = 0
    private(set) var violations: [String] = []
    private(set) var finish: Finish?
    private(set) var notes: [Note] = []

    // The coordinator's box. What the master has survives crashes.
    private var coordinator: Coordinator?
    private var coordinatorLife = 0
    private var coordinatorBorn = 0.0
    private var sum = TreeSum(SlotTree(slotCount: 0))
    private var arriving: [WorkerID: FlatFloats] = [:]
    private(set) var weights: [Float] = [0.5, -0.25]
    private(set) var step = 0
    private(set) var contributions: [StepContribution] = []
    private var weightsOfStep: [Int: [Float]] = [:]

    private(set) var workers: [SimulatedWorker] = []
    private static let run = RunID(1, 2)
    private static let shape = Status.Shape(parameterCount: 2, tableHash: "two")

    init(_ world: World, seed: UInt64) {
        self.world = world
        random = SeededGenerator(seed: seed)
    }

    // MARK: - The laws

    static func gradient(step: Int, slot: Int, weights: [Float]) -> [Float] {
        var random = SeededGenerator(seed: UInt64(step * 1000 + slot))
        let noise = Float.random(in: -1...1, using: &random) * [1, 1e-3, 1e3][slot % 3]
        return [noise + weights[0] * 0.1, noise * weights[1]]
    }

    /// The sum as the design defines it, of all slots but those left out.
    static func definition(step: Int, _ node: Range<Int>, weights: [Float], without leftOut: Set<Int>) -> [Float]? {
        if node.count == 1 {
            return leftOut.contains(node.lowerBound)
                ? nil : gradient(step: step, slot: node.lowerBound, weights: weights)
        }
        var power = 1
        while power * 2 < node.count { power *= 2 }
        let middle = node.lowerBound + power
        let left = definition(step: step, node.lowerBound..<middle, weights: weights, without: leftOut)
        let right = definition(step: step, middle..<node.upperBound, weights: weights, without: leftOut)
        guard let left, let right else { return left ?? right }
        return zip(left, right).map { $0 + $1 }
    }

    /// What a run without a cluster makes.
    static func expected(_ world: World) -> [Float] {
        var weights: [Float] = [0.5, -0.25]
        for step in 0..<world.steps {
            let sum = definition(step: step, 0..<world.slots, weights: weights, without: []) ?? [0, 0]
            weights = zip(weights, sum).map { $0 - $1 / Float(world.slots) * 0.01 }
        }
        return weights
    }

    // MARK: - Running

    /// Runs to the end of the run, or to `limit` seconds of virtual time.
    mutating func run(limit: Double = 400) {
        queue.put(.startCoordinator, at: 0)
        for index in 0..<world.workers {
            workers.append(SimulatedWorker(machine: Worker(application(index, 0), patience: Patience())))
            queue.put(.startWorker(index, life: 0), at: .random(in: 0...2, using: &random))
        }
        if world.blows > 0 { queue.put(.blow, at: pause(world.blows)) }
        if world.coordinatorCrashes > 0 { queue.put(.coordinatorCrash, at: pause(world.coordinatorCrashes)) }
        while finish == nil, violations.isEmpty, let (time, happening) = queue.take() {
            guard time <= limit else {
                violations.append("I6: the run has not ended after \(limit) s, at step \(step)")
                break
            }
            now = time
            events += 1
            happen(happening)
        }
        if finish == nil && violations.isEmpty { violations.append("I6: nothing happens any more") }
    }

    private mutating func pause(_ mean: Double) -> Double { now + mean * Double.random(in: 0.3...1.7, using: &random) }

    private func application(_ index: Int, _ life: Int) -> Application {
        Application(
            name: "w\(index)", instance: UInt64(index * 100 + life), software: "1", libtorch: "1", exactnessClass: "x",
            cores: 1, memoryBytes: 1)
    }

    private var isCalm: Bool { now > world.calmAt }

    /// Puts a message on the wire: it may be lost, doubled, or late.
    private mutating func transmit(_ happening: Happening) {
        if !isCalm && Double.random(in: 0..<1, using: &random) < world.drop { return }
        queue.put(happening, at: now + Double.random(in: 0.0001...world.delay, using: &random))
        if !isCalm && Double.random(in: 0..<1, using: &random) < world.duplicate {
            queue.put(happening, at: now + Double.random(in: 0.0001...world.delay * 5, using: &random))
        }
    }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .toCoordinator(let event, let life, let floats):
            // Another life of the coordinator hears what was meant for an earlier one, as DEALERs make it happen.
            guard coordinator != nil, life <= coordinatorLife else { return }
            tell(event, floats)
        case .toWorker(let index, let connection, let message, let stamp):
            guard workers[index].connection == connection else { return }
            if keep(happening, at: index) { return }
            tellWorker(index, .heard(message, stamp: stamp))
        case .weights(let index, let connection, let floats, let holding, let step):
            guard workers[index].connection == connection else { return }
            if keep(happening, at: index) { return }
            guard workers[index].machine.accepts(delivery: holding.delivery) else { return }
            workers[index].weights = floats
            workers[index].progress += 1
            _ = step
            tellWorker(index, .took(holding))
        case .workerEvent(let index, let event, let life):
            guard workers[index].life == life else { return }
            if keep(happening, at: index) { return }
            tellWorker(index, event)
        case .computed(let index, let life, let epoch, let lease, let slot):
            guard workers[index].life == life, workers[index].epoch == epoch else { return }
            if keep(happening, at: index) { return }
            computed(index, lease, slot)
        case .coordinatorTick(let life):
            guard life == coordinatorLife, coordinator != nil else { return }
            tell(.tick, nil)
            queue.put(.coordinatorTick(life: life), at: now + 0.25)
        case .workerTick(let index, let life):
            guard workers[index].life == life, workers[index].isAlive else { return }
            if keep(happening, at: index) { return }
            tellWorker(index, .progressed(workers[index].progress, slot: nil))
            tellWorker(index, .tick)
            queue.put(.workerTick(index, life: life), at: now + 0.25)
        case .blow:
            if !isCalm {
                strike()
                queue.put(.blow, at: pause(world.blows))
            }
        case .coordinatorCrash:
            if !isCalm {
                coordinator = nil
                arriving = [:]
                queue.put(.startCoordinator, at: now + .random(in: 0.1...20, using: &random))
                queue.put(.coordinatorCrash, at: pause(world.coordinatorCrashes))
            }
        case .startWorker(let index, let life):
            guard workers[index].life == life, !workers[index].isAlive else { return }
            workers[index].isAlive = true
            tellWorker(index, .start)
            queue.put(.workerTick(index, life: life), at: now + 0.25)
        case .startCoordinator: startCoordinator()
        case .thaw(let index, let life):
            guard workers[index].life == life else { return }
            workers[index].isFrozen = false
            workers[index].isStuck = false
            let kept = workers[index].kept
            workers[index].kept = []
            for (order, happening) in kept.enumerated() { queue.put(happening, at: now + Double(order) * 1e-6) }
        }
    }

    private mutating func keep(_ happening: Happening, at index: Int) -> Bool {
        if workers[index].isFrozen {
            workers[index].kept.append(happening)
            return true
        }
        if workers[index].isStuck, case .computed = happening {
            workers[index].kept.append(happening)
            return true
        }
        return false
    }

    private mutating func strike() {
        let index = Int.random(in: 0..<workers.count, using: &random)
        guard workers[index].isAlive, !workers[index].isFrozen, !workers[index].isStuck else { return }
        let life = workers[index].life
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:  // kill -9; comes back some time
            workers[index] = SimulatedWorker(machine: Worker(application(index, life + 1), patience: Patience()))
            workers[index].life = life + 1
            workers[index].connection = 1000 * (life + 1)
            queue.put(.startWorker(index, life: life + 1), at: now + .random(in: 0.1...15, using: &random))
        case 2:  // SIGSTOP
            workers[index].isFrozen = true
            queue.put(.thaw(index, life: life), at: now + .random(in: 0.1...12, using: &random))
        default:  // the learner hangs, the process lives
            workers[index].isStuck = true
            queue.put(.thaw(index, life: life), at: now + .random(in: 1...60, using: &random))
        }
    }

    // MARK: - The coordinator's box

    private mutating func startCoordinator() {
        coordinatorLife += 1
        let welcome = Welcome(
            run: Data(), bulkPort: 1, parameterCount: 2, chunkBytes: 1024, creditChunks: 4, threads: 1)
        var settings = Coordinator.Settings(
            run: Self.run, incarnation: UInt64(coordinatorLife) << 32,
            requirements: Requirements(software: "1", libtorch: "1", exactnessClass: nil, shape: Self.shape),
            welcome: welcome)
        settings.minimumWorkers = min(world.minimumWorkers, world.workers)
        let machine = Coordinator(settings, plan: plan())
        coordinatorBorn = now
        let effects = machine.start()
        coordinator = machine
        perform(effects)
        queue.put(.coordinatorTick(life: coordinatorLife), at: now + 0.25)
    }

    private func plan() -> StepPlan {
        StepPlan(step: step, slotCount: world.slots, lossScale: 1, weights: floats(weights).checksum)
    }

    private func floats(_ values: [Float]) -> FlatFloats { values.withUnsafeBufferPointer { FlatFloats(copying: $0) } }

    private mutating func tell(_ event: CoordinatorEvent, _ brought: FlatFloats?) {
        if case .sum(_, _, let stamp) = event, let brought { arriving[stamp.worker] = brought }
        guard let effects = coordinator?.handle(event, at: .seconds(now - coordinatorBorn)) else { return }
        perform(effects)
    }

    private mutating func perform(_ effects: [CoordinatorEffect]) {
        for effect in effects {
            switch effect {
            case .send(let message, let peer, let stamp):
                let (index, connection) = Self.read(peer)
                transmit(.toWorker(index, connection: connection, message, stamp))
            case .sendWeights(let id, let step, let delivery):
                guard let member = coordinator?.membership.members[id], let peer = peers[member.name] else { continue }
                let (index, connection) = Self.read(peer)
                let holding = Status.Holding(delivery: delivery, checksum: floats(weights).checksum)
                transmit(.weights(index, connection: connection, weights, holding, step: step))
            case .scatterWeights: break
            case .begin(_, _, let slotCount): sum = TreeSum(SlotTree(slotCount: slotCount))
            case .keep(let slots, let id):
                guard let floats = arriving.removeValue(forKey: id) else {
                    violations.append("a sum was kept that did not come")
                    continue
                }
                // The network doubles messages by reference; sums are added up in place.
                sum.take(FlatFloats(copying: UnsafeBufferPointer(floats.elements)), over: slots)
            case .discard(_, let id): arriving[id] = nil
            case .forget(let id): arriving[id] = nil
            case .finishStep(let contribution): apply(contribution)
            case .save: tell(.saved, nil)
            case .note(let note): notes.append(note)
            case .finished(let end): finish = end
            }
        }
    }

    private mutating func apply(_ contribution: StepContribution) {
        if contribution.step != step { violations.append("I2: step \(contribution.step) applied at step \(step)") }
        let leftOut = Set(contribution.leftOut.map(\.slot))
        let slots = contribution.outcomes.map(\.slot) + contribution.leftOut.map(\.slot)
        if slots.sorted() != Array(0..<world.slots) {
            violations.append("I3: step \(step) has slots \(slots.sorted())")
        }
        let definition = Self.definition(step: step, 0..<world.slots, weights: weights, without: leftOut)
        do {
            let total = try sum.finish(leavingOut: leftOut)
            if total.map({ Array($0.elements) }) != definition { violations.append("I4: step \(step) has another sum") }
        } catch {
            violations.append("I4: \(error)")
        }
        sum = TreeSum(SlotTree(slotCount: 0))
        contributions.append(contribution)
        weightsOfStep[step] = weights
        if let definition {
            weights = zip(weights, definition).map { $0 - $1 / Float(world.slots - leftOut.count) * 0.01 }
        }
        step += 1
        tell(.applied(.committed, next: step < world.steps ? plan() : nil), nil)
    }

    // MARK: - A worker's box

    private var peers: [String: Peer] = [:]

    private static func peer(_ index: Int, _ connection: Int) -> Peer {
        Peer([
            UInt8(index >> 8), UInt8(index & 255), UInt8(connection >> 16), UInt8(connection >> 8 & 255),
            UInt8(connection & 255),
        ])
    }

    private static func read(_ peer: Peer) -> (index: Int, connection: Int) {
        let bytes = peer.routingID.map(Int.init)
        return (bytes[0] << 8 | bytes[1], bytes[2] << 16 | bytes[3] << 8 | bytes[4])
    }

    private mutating func tellWorker(_ index: Int, _ event: Worker.Event) {
        guard workers[index].isAlive else { return }
        let life = workers[index].life
        for effect in workers[index].machine.handle(event, at: .seconds(now)) {
            switch effect {
            case .connect:
                workers[index].connection += 1
                peers["w\(index)"] = Self.peer(index, workers[index].connection)
            case .send(let message, let stamp):
                let peer = Self.peer(index, workers[index].connection)
                transmit(.toCoordinator(.heard(message, from: peer, stamp: stamp), life: coordinatorLife, nil))
            case .openBulk(_, let stamp):
                transmit(.toCoordinator(.bulkOpened(stamp: stamp), life: coordinatorLife, nil))
            case .make:
                queue.put(
                    .workerEvent(index, .made(Self.shape), life: life), at: now + .random(in: 0.1...3, using: &random))
            case .compute(let lease): begin(index, lease)
            case .abandon:
                workers[index].epoch += 1
                workers[index].sums = [:]
                workers[index].busyUntil = now
            case .note, .finishSlot, .meet, .reduce, .passOn, .resend: break
            case .finished(let end):
                workers[index].end = end
                workers[index].isAlive = false
            }
        }
    }

    private mutating func begin(_ index: Int, _ lease: Lease) {
        guard let slots = lease.slots else { return }
        if floats(workers[index].weights).checksum != lease.weights {
            violations.append("I1: w\(index) computes step \(lease.step) with other weights")
        }
        workers[index].sums[lease.number] = PartialSums(over: slots, in: SlotTree(slotCount: lease.slotCount))
        workers[index].outcomes[lease.number] = []
        workers[index].weightsOfLease[lease.number] = workers[index].weights
        var time = max(now, workers[index].busyUntil)
        for slot in slots {
            time += world.slotSeconds(index) * Double.random(in: 0.9...1.1, using: &random)
            queue.put(
                .computed(index, life: workers[index].life, epoch: workers[index].epoch, lease: lease, slot: slot),
                at: time)
        }
        workers[index].busyUntil = time
    }

    private mutating func computed(_ index: Int, _ lease: Lease, _ slot: Int) {
        guard var sums = workers[index].sums[lease.number] else { return }
        let stamp = workers[index].machine.stamp
        workers[index].progress += 1
        let outcome = SlotOutcome(
            slot: slot, samples: 1, loss: 1, squaredGradientNorm: 1e6, sampleNames: ["\(lease.step)/\(slot)"])
        let finished: [PartialSums.Finished]
        if world.flaky(lease.step, slot, index) {
            var bad = outcome
            bad.notFinite = "unet"
            tellWorker(index, .notFinite(lease: lease.number, round: lease.round, bad))
            finished = sums.leaveOut(slot)
        } else {
            workers[index].outcomes[lease.number]?.append(outcome)
            let weights = workers[index].weightsOfLease[lease.number] ?? []
            let gradient = Self.gradient(step: lease.step, slot: slot, weights: weights)
            finished = sums.add(floats(gradient), of: slot)
        }
        workers[index].sums[lease.number] = sums
        for (slots, sum) in finished {
            let outcomes = (workers[index].outcomes[lease.number] ?? []).filter { slots.contains($0.slot) }
            let said = SlotSum(
                of: lease, slots: slots, weights: lease.weights, outcomes: outcomes,
                seconds: world.slotSeconds(index) * Double(slots.count))
            transmit(.toCoordinator(.sum(said, norm: sum.norm, stamp: stamp), life: coordinatorLife, sum))
        }
        if slot + 1 == lease.end { tellWorker(index, .delivered(lease: lease.number)) }
    }
}

/// What happens when, in order of time, and of being put in for the same time.
struct EventQueue<Element> {
    private var heap: [(time: Double, order: Int, element: Element)] = []
    private var count = 0

    mutating func put(_ element: Element, at time: Double) {
        count += 1
        heap.append((time, count, element))
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func take() -> (Double, Element)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                    least = child
                }
                if least == parent { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.time, first.element)
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        (heap[a].time, heap[a].order) < (heap[b].time, heap[b].order)
    }
}
