import Coordination
import Foundation
import Wire

/// A worker's box: the decisions, and a learner that takes its time.
extension Simulation {
    struct SimulatedWorker {
        var machine: Worker
        var isAlive = false
        /// Stopped as by SIGSTOP: what comes is kept for later.
        var isFrozen = false
        /// The learner stands still, and pings go on.
        var isStuck = false
        /// Until then it computes ten times as slowly, absurdly, or is not heard or does not hear.
        var slowUntil = 0.0
        var absurdUntil = 0.0
        var unheardUntil = 0.0
        var deafUntil = 0.0
        /// By worker, until when nothing gets through to it from here.
        var cutFrom: [Int: Double] = [:]
        /// What it will state falsely of what goes from worker to worker, once.
        var lie: Lie?
        /// The next sum has a bit turned over, between its checks and its checksum.
        var flipsSum = false
        /// A bit has turned over in the weights that it has.
        var hasFlippedWeights = false
        var kept: [Happening] = []
        var life = 0
        /// Counts connections; the coordinator knows each by its own name.
        var connection = 0
        var epoch = 0
        var weights = Pair.zero
        var slot: Int?
        var isLastSlot = false
        var computed: [UInt64] = []
        var sums: [UInt64: PartialSums] = [:]
        /// What the learner holds while it computes a lease; jobs are done in order.
        var weightsOfLease: [UInt64: Pair] = [:]
        var outcomes: [UInt64: [SlotOutcome]] = [:]
        var progress: UInt64 = 0
        var busyUntil = 0.0
        /// Its dealings with other workers.
        var peering = Peering()
        var end: Worker.End?
    }

    static func peer(_ index: Int, _ connection: Int) -> Peer {
        Peer([
            UInt8(index >> 8), UInt8(index & 255), UInt8(connection >> 16), UInt8(connection >> 8 & 255),
            UInt8(connection & 255),
        ])
    }

    static func read(_ peer: Peer) -> (index: Int, connection: Int) {
        let bytes = peer.routingID.map(Int.init)
        return (bytes[0] << 8 | bytes[1], bytes[2] << 16 | bytes[3] << 8 | bytes[4])
    }

    func application(_ index: Int, _ life: Int) -> Application {
        var application = Application(
            name: "w\(index)", instance: UInt64(index * 1000 + life), software: "1", libtorch: "1",
            exactnessClass: "x", cores: 1, memoryBytes: 1)
        if world.isSharded { application.dataAddress = "\(index)/\(life)" }
        return application
    }

    /// Another process takes the place of one that is gone.
    mutating func replace(_ index: Int, after seconds: Double) {
        let life = workers[index].life + 1
        workers[index] = SimulatedWorker(machine: Worker(application(index, life), patience: Patience()))
        workers[index].life = life
        workers[index].connection = 1000 * life
        queue.put(.startWorker(index, life: life), at: now + seconds)
    }

    mutating func tellWorker(_ index: Int, _ event: Worker.Event) {
        guard workers[index].isAlive else { return }
        let life = workers[index].life
        for effect in workers[index].machine.handle(event, at: .seconds(now)) {
            switch effect {
            case .connect:
                workers[index].connection += 1
                peers["w\(index)"] = Self.peer(index, workers[index].connection)
            case .send(let message, let stamp):
                let peer = Self.peer(index, workers[index].connection)
                transmit(
                    .toCoordinator(.heard(message, from: peer, stamp: stamp), life: coordinatorLife, nil), with: index,
                    isUp: true)
            case .openBulk(_, let stamp):
                workers[index].peering = Peering()
                transmit(
                    .toCoordinator(.bulkOpened(stamp: stamp), life: coordinatorLife, nil), with: index, isUp: true)
            case .make:
                queue.put(
                    .workerEvent(index, .made(Self.shape), life: life), at: now + .random(in: 0.1...3, using: &random))
            case .compute(let lease): begin(index, lease)
            case .paint(let task): paint(task, at: index, life: life)
            case .finishSlot: workers[index].isLastSlot = true
            case .abandon(let round):
                workers[index].peering.abandon(before: round)
                workers[index].epoch += 1
                workers[index].sums = [:]
                workers[index].computed = []
                workers[index].slot = nil
                workers[index].busyUntil = now
            case .meet(let peers): workers[index].peering.meet(peers, self: workers[index].machine.stamp.worker.number)
            case .reduce(let reduction):
                workers[index].peering.reduction = reduction
                reduce(at: index)
            case .passOn(let delivery, let others, _):
                workers[index].peering.orders[delivery] = others
                relay(at: index)
            case .useForeseen(let delivery): stand(delivery, at: index)
            case .reshard(let round, let shards): reshard(round, shards, from: index)
            case .resend(let round): resend(round, from: index)
            case .note: break
            case .finished(let end):
                workers[index].end = end
                workers[index].isAlive = false
                if case .refused(let refusal) = end { violations.append("w\(index) was refused: \(refusal)") }
                // Whoever was sent home comes back some time, as another process.
                if end != .dismissed(finished: true, reason: "the run is complete") {
                    replace(index, after: .random(in: 0.5...10, using: &random))
                }
            }
        }
    }

    private mutating func begin(_ index: Int, _ lease: Lease) {
        guard let slots = lease.slots else { return }
        workers[index].peering.heed(lease)
        workers[index].sums[lease.number] = PartialSums(over: slots, in: SlotTree(slotCount: lease.slotCount))
        workers[index].outcomes[lease.number] = []
        workers[index].weightsOfLease[lease.number] = workers[index].weights
        var time = max(now, workers[index].busyUntil)
        let slowness = now < workers[index].slowUntil ? 10.0 : 1
        if workers[index].slot == nil { workers[index].slot = slots.lowerBound }
        for slot in slots {
            time += world.slotSeconds(index) * Double.random(in: 0.9...1.1, using: &random) * slowness
            queue.put(
                .computed(index, life: workers[index].life, epoch: workers[index].epoch, lease: lease, slot: slot),
                at: time)
        }
        workers[index].busyUntil = time
    }

    mutating func leave(_ index: Int) {
        workers[index].isLastSlot = true
        tellWorker(index, .progressed(workers[index].progress, slot: workers[index].slot))
        tellWorker(index, .leave(computed: workers[index].computed))
    }

    mutating func computed(_ index: Int, _ lease: Lease, _ slot: Int) {
        guard var sums = workers[index].sums[lease.number] else { return }
        let weights = workers[index].weightsOfLease[lease.number] ?? .zero
        workers[index].progress += 1
        let number = number(step: lease.step, slot: slot, firstSlot: lease.firstSlot)
        var gradient = gradient(number: number, weights: weights)
        if abs(gradient.x) > 100 { happened.insert(.spike) }
        if now < workers[index].absurdUntil {
            // A broken machine does not break the same way twice, so that two wrong answers agree.
            gradient *= Float(pow(10, Double.random(in: 8...30, using: &random)))
            happened.insert(.absurd)
        }
        let square = Double(gradient.x) * Double(gradient.x) + Double(gradient.y) * Double(gradient.y)
        var outcome = SlotOutcome(
            slot: slot, samples: 1, loss: 1, squaredGradientNorm: square, sampleNames: ["\(number)"])
        var finished: [PartialSums.Finished]
        if world.flaky(lease.step, slot, index) {
            outcome.notFinite = "unet"
            if let (slots, lefts) = sums.completion(by: slot) {
                let sum = Self.floats(gradient)
                for left in lefts { for index in 0..<2 { sum.elements[index] += left.elements[index] } }
                spreadInVain(sum, over: slots, of: lease, from: index)
            }
            tellWorker(index, .notFinite(lease: lease.number, round: lease.round, outcome))
            finished = sums.leaveOut(slot)
        } else {
            workers[index].outcomes[lease.number]?.append(outcome)
            finished = sums.add(Self.floats(gradient), of: slot)
        }
        let isLast = slot + 1 == lease.end || workers[index].isLastSlot
        if isLast { finished += sums.end(before: slot + 1) }
        workers[index].sums[lease.number] = isLast ? nil : sums
        workers[index].slot = isLast ? nil : slot + 1
        for (slots, sum) in finished { send(sum, over: slots, of: lease, weights, from: index) }
        if isLast {
            workers[index].outcomes[lease.number] = nil
            workers[index].weightsOfLease[lease.number] = nil
            workers[index].computed.append(lease.number)
            workers[index].peering.leases.append(lease.number)
            queue.put(
                .workerEvent(index, .delivered(lease: lease.number), life: workers[index].life), at: now + 0.001)
        }
    }

    private mutating func send(
        _ sum: FlatFloats, over slots: Range<Int>, of lease: Lease, _ weights: Pair, from index: Int
    ) {
        if workers[index].flipsSum {
            workers[index].flipsSum = false
            happened.insert(.flippedSum)
            let bits = sum.elements[0].bitPattern
            // The exponent's highest bit; all of them where it is set already.
            sum.elements[0] = Float(bitPattern: bits & 0x4000_0000 == 0 ? bits | 0x4000_0000 : bits | 0x7F80_0000)
        }
        let outcomes = (workers[index].outcomes[lease.number] ?? []).filter { slots.contains($0.slot) }
        let said = SlotSum(
            of: lease, slots: slots, weights: Self.checksum(weights), outcomes: outcomes,
            seconds: world.slotSeconds(index) * Double(slots.count))
        // Kept sums stay as they are; the coordinator adds up in place what came.
        workers[index].peering.kept.append((said, sum, lease.step))
        let kept = workers[index].peering.kept.count
        if kept > 4 * world.mostSlots { violations.append("I5: a worker keeps \(kept) sums") }
        if let shards = workers[index].peering.shards(of: said.round) {
            spread(said, sum, to: shards, from: index)
        } else {
            sendWhole(said, sum, from: index)
        }
    }

    mutating func sendWhole(_ said: SlotSum, _ sum: FlatFloats, from index: Int) {
        let stamp = workers[index].machine.stamp
        transmit(
            .toCoordinator(.sum(said, norm: sum.norm, stamp: stamp), life: coordinatorLife, sum), with: index,
            isUp: true)
    }

    /// The learner takes over weights that are all there.
    mutating func use(_ pair: Pair, _ holding: Status.Holding, at index: Int) {
        workers[index].weights = pair
        workers[index].hasFlippedWeights = false
        workers[index].progress += 1
        tellWorker(index, .took(holding))
    }
}
