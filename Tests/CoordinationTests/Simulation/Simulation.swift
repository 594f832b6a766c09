import Coordination
import Foundation
import TestSupport
import Wire

/// A whole cluster in virtual time: the real decisions, a network and machines made of a seed.
///
/// Everything that happens is on one queue; the same seed gives the same run. What must hold is checked after each
/// event, and what did not is in ``violations``.
struct Simulation {
    /// What is on the queue.
    enum Happening {
        case toCoordinator(CoordinatorEvent, life: Int, FlatFloats?)
        case toWorker(Int, connection: Int, CoordinatorMessage, Stamp)
        case weights(Int, connection: Int, Pair, Status.Holding, step: Int)
        case workerEvent(Int, Worker.Event, life: Int)
        case computed(Int, life: Int, epoch: Int, lease: Lease, slot: Int)
        case toPeer(Int, life: Int, PeerMessage)
        case share(Int, connection: Int, Share)
        case reduced(Reduced, life: Int)
        case orphan(Orphan, life: Int)
        case coordinatorTick(life: Int)
        case workerTick(Int, life: Int)
        case trouble(Trouble)
        case startWorker(Int, life: Int)
        case startCoordinator
        case thaw(Int, life: Int)
        case resume
    }

    let world: World
    var random: SeededGenerator
    var queue = EventQueue<Happening>()
    private(set) var now = 0.0
    private(set) var events = 0
    var violations: [String] = []
    var finish: Finish?
    var notes: [Note] = []
    var happened: Set<Fault> = []
    /// Pictures that were kept.
    var pictureNames: Set<String> = []

    // The coordinator's box. What is durable survives crashes.
    var coordinator: Coordinator?
    var coordinatorLife = 0
    var coordinatorBorn = 0.0
    var slotsThisLife = 0
    /// When something was last done or said.
    var signAt = 0.0
    var sum = TreeSum(SlotTree(slotCount: 0))
    var arriving: [WorkerID: FlatFloats] = [:]
    var weights = firstWeights {
        didSet { weightsChecksum = Self.checksum(weights) }
    }
    var weightsChecksum = checksum(firstWeights)
    var step = 0
    /// Slots that are done, of the whole run.
    var cursor = 0
    /// By chunk, what the owners of shards have added up in this round.
    var reduced = Arrived()
    /// Parts of sums that the coordinator adds up in place of an owner that is gone.
    var orphans = Orphans()
    /// The next step's weights, part of which have left.
    var foreseen: Foreseen?
    var shardedSteps = 0
    var contributions: [StepContribution] = []
    var disk = Disk()
    /// The state that was written last to its end, and one whose writing was cut off.
    var kept: Disk.State?
    var cutOff: Disk.State?
    /// How much of the next state is written before the coordinator's process dies over it; nil when it does not.
    var strength: Int?
    var diskIsFullUntil = 0.0

    var workers: [SimulatedWorker] = []
    var peers: [String: Peer] = [:]
    static let run = RunID(1, 2)
    static let shape = Status.Shape(parameterCount: 2, tableHash: "two")
    /// Seconds between two looks at the clock.
    static let tick = 0.4

    init(_ world: World, seed: UInt64) {
        self.world = world
        random = SeededGenerator(seed: seed)
    }

    static func floats(_ pair: Pair) -> FlatFloats {
        let floats = FlatFloats(count: 2)
        (floats.elements[0], floats.elements[1]) = (pair.x, pair.y)
        return floats
    }

    static func checksum(_ pair: Pair) -> UInt64 {
        UInt64(pair.x.bitPattern) << 32 | UInt64(pair.y.bitPattern)
    }

    /// Runs to the end of the run, or to `limit` seconds of virtual time.
    mutating func run(limit: Double = 900) {
        queue.put(.startCoordinator, at: 0)
        for index in 0..<world.workers {
            workers.append(SimulatedWorker(machine: Worker(application(index, 0), patience: Patience())))
            queue.put(.startWorker(index, life: 0), at: .random(in: 0...2, using: &random))
        }
        for trouble in Trouble.allCases { putOff(trouble) }
        while finish == nil, violations.isEmpty, let (time, happening) = queue.take() {
            guard time <= limit else {
                violations.append("I6: the run has not ended after \(limit) s: \(stands)")
                break
            }
            now = time
            events += 1
            happen(happening)
            uphold()
        }
        if finish == nil && violations.isEmpty { violations.append("I6: nothing happens any more") }
    }

    var isCalm: Bool { now > world.calmAt }

    private mutating func happens(_ probability: Double) -> Bool {
        probability > 0 && !isCalm && Double.random(in: 0..<1, using: &random) < probability
    }

    /// Puts a message between the coordinator and worker `index` on the wire.
    mutating func transmit(_ happening: Happening, with index: Int, isUp: Bool) {
        if now < (isUp ? workers[index].unheardUntil : workers[index].deafUntil) {
            happened.insert(isUp ? .deafCoordinator : .deafWorker)
            return
        }
        carry(happening)
    }

    /// The wire: what goes over it may be lost, doubled, or late.
    mutating func carry(_ happening: Happening) {
        if happens(world.drop) {
            happened.insert(.drop)
            return
        }
        // What a checksum tells is dropped; the sum is then not whole.
        if happens(world.corrupt) {
            happened.insert(.corrupt)
            return
        }
        let delay = Double.random(in: 0.0001...world.delay, using: &random)
        if delay > 0.2 { happened.insert(.delay) }
        if delay > 0.1 { happened.insert(.reorder) }
        queue.put(happening, at: now + delay)
        if happens(world.duplicate) {
            happened.insert(.duplicate)
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
            guard workers[index].connection == connection, !keep(happening, at: index) else { return }
            tellWorker(index, .heard(message, stamp: stamp))
        case .weights(let index, let connection, let pair, let holding, _):
            guard workers[index].connection == connection, !keep(happening, at: index),
                workers[index].machine.accepts(delivery: holding.delivery)
            else { return }
            use(pair, holding, at: index)
        case .workerEvent(let index, let event, let life):
            guard workers[index].life == life, !keep(happening, at: index) else { return }
            if case .delivered(let lease) = event { workers[index].computed.removeAll { $0 == lease } }
            tellWorker(index, event)
        case .computed(let index, let life, let epoch, let lease, let slot):
            guard workers[index].life == life, workers[index].epoch == epoch, !keep(happening, at: index) else {
                return
            }
            computed(index, lease, slot)
        case .toPeer(let index, let life, let message):
            guard workers[index].life == life, workers[index].isAlive, !keep(happening, at: index) else { return }
            heardPeer(index, message)
        case .share(let index, let connection, let share):
            guard workers[index].connection == connection, !keep(happening, at: index) else { return }
            take(share, at: index, isOwn: true)
        case .reduced(let shard, let life):
            guard coordinator != nil, life <= coordinatorLife else { return }
            take(shard)
        case .orphan(let part, let life):
            guard coordinator != nil, life <= coordinatorLife else { return }
            take(part)
        case .coordinatorTick(let life):
            guard life == coordinatorLife, coordinator != nil else { return }
            tell(.tick)
            queue.put(.coordinatorTick(life: life), at: now + Self.tick)
        case .workerTick(let index, let life):
            guard workers[index].life == life, workers[index].isAlive, !keep(happening, at: index) else { return }
            tellWorker(index, .progressed(workers[index].progress, slot: workers[index].slot))
            lookForPeers(index)
            tellWorker(index, .tick)
            queue.put(.workerTick(index, life: life), at: now + Self.tick)
        case .trouble(let trouble):
            guard !isCalm else { return }
            make(trouble)
            putOff(trouble)
        case .startWorker(let index, let life):
            guard workers[index].life == life, !workers[index].isAlive else { return }
            workers[index].isAlive = true
            tellWorker(index, .start)
            queue.put(.workerTick(index, life: life), at: now + Self.tick)
        case .startCoordinator: startCoordinator()
        case .thaw(let index, let life):
            guard workers[index].life == life else { return }
            workers[index].isFrozen = false
            workers[index].isStuck = false
            let kept = workers[index].kept
            workers[index].kept = []
            for (order, happening) in kept.enumerated() { queue.put(happening, at: now + Double(order) * 1e-6) }
        case .resume: tell(.resume)
        }
    }

    private mutating func keep(_ happening: Happening, at index: Int) -> Bool {
        var keeps = workers[index].isFrozen
        if workers[index].isStuck, case .computed = happening { keeps = true }
        if keeps { workers[index].kept.append(happening) }
        return keeps
    }
}
