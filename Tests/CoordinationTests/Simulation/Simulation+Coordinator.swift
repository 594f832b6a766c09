import Foundation
import Recipe
import Wire

@testable import Coordination

/// The coordinator's box: the decisions, the sum, and a disk.
extension Simulation {
    mutating func startCoordinator() {
        guard coordinator == nil else { return }
        // Whatever was not on the disk is gone.
        disk.tidy()
        upholdFound()
        let found = disk.latest ?? Disk.State(step: 0, weights: Self.firstWeights, cursor: 0)
        (step, weights, cursor) = (found.step, found.weights, found.cursor)
        contributions.removeLast(contributions.count - step)
        // It went down while it waited for pictures of the last step: there is nothing left to train.
        if isDone { return finish = .complete }
        foreseen = nil
        coordinatorLife += 1
        slotsThisLife = 0
        // It knows no norms of late any more, without which what is absurd cannot be told from what is large.
        for index in workers.indices { workers[index].absurdUntil = 0 }
        let welcome = Welcome(
            run: Data(), bulkPort: 1, parameterCount: 2, chunkBytes: 4, creditChunks: 4, threads: 1)
        var settings = Coordinator.Settings(
            run: Self.run, incarnation: UInt64(coordinatorLife) << 32,
            requirements: Requirements(software: "1", libtorch: "1", exactnessClass: nil, shape: Self.shape),
            welcome: welcome)
        settings.minimumWorkers = min(world.minimumWorkers, world.workers)
        settings.topology = world.isSharded ? .sharded : .star
        let machine = Coordinator(settings, plan: plan())
        coordinatorBorn = now
        signAt = now
        let effects = machine.start()
        coordinator = machine
        perform(effects)
        queue.put(.coordinatorTick(life: coordinatorLife), at: now + Self.tick)
    }

    mutating func crashCoordinator() {
        coordinator = nil
        arriving = [:]
        strength = nil
        queue.put(.startCoordinator, at: now + .random(in: 0.1...20, using: &random))
    }

    var isDone: Bool { world.slotsPerWorker == nil ? step >= world.steps : cursor >= world.totalSlots }

    /// Slots of the step that comes next, if so many workers are in.
    func slotCount(for workers: Int) -> Int {
        guard let slotsPerWorker = world.slotsPerWorker else { return world.slots }
        return min(slotsPerWorker * max(1, workers), world.totalSlots - cursor)
    }

    private func plan() -> StepPlan {
        var plan = StepPlan(step: step, slotCount: slotCount(for: 1), lossScale: 1, weights: weightsChecksum)
        if let slotsPerWorker = world.slotsPerWorker {
            plan.growth = StepPlan.Growth(slotsPerWorker: slotsPerWorker, limit: world.totalSlots - cursor)
            plan.firstSlot = cursor
        } else {
            plan.canBeForeseen = step + 1 < world.steps
        }
        return plan
    }

    mutating func tell(_ event: CoordinatorEvent, _ brought: FlatFloats? = nil) {
        if case .sum(_, _, let stamp) = event, let brought { arriving[stamp.worker] = brought }
        let slotsIn = coordinator?.round.outcomes.count
        guard let effects = coordinator?.handle(event, at: .seconds(now - coordinatorBorn)) else { return }
        if coordinator?.round.outcomes.count != slotsIn { signAt = now }
        if case .heard(.ping, _, let stamp) = event { upholdHolding(of: stamp.worker) }
        perform(effects)
        // The desk forgets what came with a stamp that nobody has.
        if case .sum(_, _, let stamp) = event { arriving[stamp.worker] = nil }
    }

    private mutating func perform(_ effects: [CoordinatorEffect]) {
        for effect in effects {
            // It may die over one of them.
            guard coordinator != nil else { return }
            switch effect {
            case .send(let message, let peer, let stamp):
                let (index, connection) = Self.read(peer)
                transmit(.toWorker(index, connection: connection, message, stamp), with: index, isUp: false)
            case .sendWeights(let id, let step, let delivery):
                guard let member = coordinator?.membership.members[id], let peer = peers[member.name] else { continue }
                let (index, connection) = Self.read(peer)
                let holding = Status.Holding(delivery: delivery, checksum: weightsChecksum)
                transmit(
                    .weights(index, connection: connection, weights, holding, step: step), with: index, isUp: false)
            case .scatterWeights(let shards, _, let delivery): scatter(shards, delivery: delivery)
            case .foresee(let shards, _, let delivery, let asChange):
                foreseen = Foreseen(delivery: delivery, shards: shards, base: asChange ? weightsChecksum : nil)
            case .forgetForeseen: foreseen = nil
            case .begin(_, _, let slotCount):
                sum = TreeSum(SlotTree(slotCount: slotCount))
                reduced = Arrived()
                orphans = Orphans()
            case .reduce(let reduction):
                orphans.reduction = reduction
                orphans.squares = nil
                addUpOrphans()
            case .keep(let slots, let id):
                guard let floats = arriving.removeValue(forKey: id) else {
                    violations.append("I4: a sum was kept that did not come")
                    continue
                }
                upholdKept(floats, over: slots)
                signAt = now
                // The network doubles messages by reference; sums are added up in place.
                sum.take(FlatFloats(copying: UnsafeBufferPointer(floats.elements)), over: slots)
            case .discard(_, let id): arriving[id] = nil
            case .forget(let id): arriving[id] = nil
            case .finishStep(let contribution): apply(contribution)
            case .save:
                guard let isSaved = save() else { return }
                tell(isSaved ? .saved : .saveFailed(reason: "no space left on device"))
            case .keepResult(let task, let file, _): upholdPicture(task, file)
            case .release: break
            case .note(let note):
                upholdWord(note)
                notes.append(note)
                signAt = now
            case .finished(let end): ended(end)
            }
        }
    }

    /// - Returns: whether it could; nil when the coordinator died over it.
    private mutating func save() -> Bool? {
        guard now >= diskIsFullUntil else {
            happened.insert(.fullDisk)
            return false
        }
        let state = Disk.State(step: step, weights: weights, cursor: cursor)
        guard let strength else {
            disk.save(state)
            kept = state
            upholdDisk()
            return true
        }
        happened.insert(.cutSave)
        disk.save(state, strength: strength)
        cutOff = state
        crashCoordinator()
        return nil
    }

    private mutating func apply(_ contribution: StepContribution) {
        do {
            var pair: Pair?
            if contribution.isSharded {
                let parts = reduced.chunks
                pair = parts.count == 2 ? Pair(parts[0] ?? .nan, parts[1] ?? .nan) : nil
                shardedSteps += 1
            } else {
                let total = try sum.finish(leavingOut: Set(contribution.leftOut.map(\.slot)))
                pair = total.map { Pair($0.elements[0], $0.elements[1]) }
            }
            upholdStep(contribution, total: pair)
            for id in coordinator?.membership.members.keys.sorted() ?? [] { upholdHolding(of: id) }
            if let pair { weights = Self.after(weights, sum: pair, samples: contribution.outcomes.count) }
            cursor += contribution.outcomes.count + contribution.leftOut.count
        } catch {
            violations.append("I4: \(error)")
        }
        sum = TreeSum(SlotTree(slotCount: 0))
        contributions.append(contribution)
        step += 1
        signAt = now
        slotsThisLife += contribution.outcomes.count
        reduced = Arrived()
        orphans = Orphans()
        if step % world.saveEvery == 0 || isDone {
            guard let isSaved = save() else { return }
            if !isSaved { tell(.saveFailed(reason: "no space left on device")) }
        }
        if world.makesPictures, step % 3 == 0 || isDone { tell(.picturesDue(pictures())) }
        tell(.applied(.committed, next: isDone ? nil : plan(), asForeseen: judgeForesight()))
    }

    private mutating func ended(_ end: Finish) {
        upholdEnd(end)
        coordinator = nil
        arriving = [:]
        if end == .complete {
            finish = end
        } else {
            // The same command, a little later.
            queue.put(.startCoordinator, at: now + 3)
        }
    }
}
