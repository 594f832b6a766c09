import TestSupport
import Wire

@testable import Coordination

/// What a run makes if nothing goes wrong, and what must hold whatever does.
extension Simulation {
    typealias Pair = SIMD2<Float>

    static let firstWeights = Pair(0.5, -0.25)

    /// Of one slot, at these weights; slots differ in size, so that the order of adding up shows.
    ///
    /// - Parameter number: what the slot's samples are found by.
    func gradient(number: Int, weights: Pair) -> Pair {
        var random = SeededGenerator(seed: UInt64(number))
        var noise = Float.random(in: 0.5...1, using: &random) * [1, 0.1, 10][number % 3]
        if Double.random(in: 0..<1, using: &random) < world.spikes { noise *= 1e4 }
        return Pair(noise + weights.x * 0.1, noise * weights.y)
    }

    /// What a slot's samples are found by: its place in its step, or in the run where steps grow with the world.
    func number(step: Int, slot: Int, firstSlot: Int) -> Int {
        world.slotsPerWorker == nil ? step * 1000 + slot : 1_000_000 + firstSlot + slot
    }

    /// The sum as the design defines it, of all slots but those left out.
    func definition(step: Int, _ node: Range<Int>, weights: Pair, without leftOut: Set<Int> = []) -> Pair? {
        if node.count == 1 {
            return leftOut.contains(node.lowerBound)
                ? nil
                : gradient(number: number(step: step, slot: node.lowerBound, firstSlot: cursor), weights: weights)
        }
        var power = 1
        while power * 2 < node.count { power *= 2 }
        let middle = node.lowerBound + power
        let left = definition(step: step, node.lowerBound..<middle, weights: weights, without: leftOut)
        let right = definition(step: step, middle..<node.upperBound, weights: weights, without: leftOut)
        guard let left, let right else { return left ?? right }
        return left + right
    }

    static func after(_ weights: Pair, sum: Pair, samples: Int) -> Pair {
        let gradient = sum / Float(samples)
        let length = max(abs(gradient.x), abs(gradient.y))
        return moved(weights, length > 100 ? gradient * (100 / length) : gradient)
    }

    /// The same where the gradient is not clipped, so that each number follows from its own.
    static func foreseen(_ weights: Pair, sum: Pair, samples: Int) -> Pair { moved(weights, sum / Float(samples)) }

    private static func moved(_ weights: Pair, _ gradient: Pair) -> Pair { weights - gradient * Float(1e-5) }

    /// What a run without a cluster makes.
    static func expected(_ world: World) -> Pair {
        let simulation = Simulation(world, seed: 0)
        var weights = firstWeights
        for step in 0..<world.steps {
            let sum = simulation.definition(step: step, 0..<world.slots, weights: weights) ?? .zero
            weights = after(weights, sum: sum, samples: world.slots)
        }
        return weights
    }

    /// Asked after everything that happens.
    mutating func uphold() {
        guard let coordinator, finish == nil else { return }
        // I1: the coordinator hands out no other weights than the master has.
        if !isDone && (coordinator.plan.step != step || coordinator.plan.weights != weightsChecksum) {
            violations.append("I1: the coordinator is at step \(coordinator.plan.step), the master at \(step)")
        }
        // I2, I3: what is committed is steps 0, 1, 2 …, once each.
        if contributions.count != step || contributions.last.map({ $0.step != step - 1 }) ?? false {
            violations.append("I2: \(contributions.count) steps were applied before step \(step)")
        }
        // I5: a step's sums, and workers that are there.
        let slots = coordinator.plan.slotCount
        if sum.count > slots { violations.append("I5: \(sum.count) sums of \(slots) slots are held") }
        if arriving.count > world.workers {
            violations.append("I5: \(arriving.count) sums of \(world.workers) workers wait")
        }
        // I6: whatever is waited for, it has been said what it is.
        if now - max(signAt, coordinatorBorn) > 45 {
            violations.append("I6: nothing was done or said for 45 s: \(stands)")
        }
        // I7: no more is done again after a crash than what comes between two states.
        if step - (kept?.step ?? 0) > world.saveEvery {
            violations.append("I7: the state kept last is of step \(kept?.step ?? 0) at step \(step)")
        }
    }

    /// I7: what would be loaded after the writing of a state is that state.
    mutating func upholdDisk() {
        if disk.latest != kept {
            violations.append("I7: \(String(describing: kept)) was saved, and \(disk.files) are there")
        }
    }

    /// I7: what a coordinator finds is the state that was kept last, or, whole, the one whose writing was cut off.
    mutating func upholdFound() {
        let found = disk.latest
        if found != kept && (found != cutOff || found == nil) {
            violations.append(
                "I7: \(String(describing: kept)) was kept, and \(String(describing: found)) is found in \(disk.files)")
        }
        if disk.files.count > 3 { violations.append("I7: there is litter: \(disk.files)") }
        (kept, cutOff) = (found, nil)
    }

    /// I7: a step is said to be saved only when it is.
    mutating func upholdWord(_ note: Note) {
        if case .saved(let saved) = note, disk.latest?.step != saved {
            violations.append("I7: step \(saved) is said to be saved, and \(String(describing: disk.latest)) is")
        }
    }

    /// I7: a coordinator that ends has kept all that was committed, or says that it could not.
    mutating func upholdEnd(_ end: Finish) {
        switch end {
        case .complete, .stopped:
            if disk.latest?.step ?? 0 != step {
                violations.append("I7: \(end) at step \(step), and \(String(describing: disk.latest)) is saved")
            }
        case .unsaved, .gaveUp: break
        }
    }

    /// I1: a worker holds, bit for bit, what the coordinator says that it holds, unless it has newer weights by now or
    /// its memory is broken.
    mutating func upholdHolding(of id: WorkerID) {
        guard !isDone, let coordinator, let member = coordinator.membership[id], let said = member.holding,
            let index = Int(member.name.dropFirst()), workers[index].isAlive,
            workers[index].machine.stamp == member.stamp, let held = workers[index].machine.status.holding
        else { return }
        if held.delivery < said.delivery {
            violations.append("I1: w\(index) holds delivery \(held.delivery), and is said to hold \(said.delivery)")
        }
        guard held.delivery == said.delivery, !workers[index].hasFlippedWeights else { return }
        let actual = workers[index].weights
        if held != said || Self.checksum(actual) != said.checksum {
            violations.append("I1: w\(index) holds \(actual), delivery \(held.delivery), and is said to hold \(said)")
        }
        if said.checksum == coordinator.plan.weights, actual != weights {
            violations.append("I1: w\(index) holds \(actual), and the master \(weights)")
        }
    }

    /// How the run stands, for whoever looks into a failure.
    var stands: String {
        guard let coordinator else { return "no coordinator" }
        let round = coordinator.round
        let members = coordinator.membership.sorted.map { member in
            "\(member.name) is worker \(member.id.number), may compute: \(member.mayCompute), draining: "
                + "\(member.isDraining), has reached \(member.reached.map(\.number).sorted())"
        }
        return "\(coordinator.snapshot(at: .seconds(now - coordinatorBorn)).sentence) (free \(round.free.sorted()), "
            + "computing \(round.busy.map(\.number).sorted()), owners \(round.shards?.map(\.owner) ?? []); "
            + members.joined(separator: "; ") + ")"
    }

    /// I4, I1: a sum is added up only if it is, bit for bit, that of its slots at the master's weights.
    mutating func upholdKept(_ floats: FlatFloats, over slots: Range<Int>) {
        guard let expected = definition(step: step, slots, weights: weights) else { return }
        let kept = Pair(floats.elements[0], floats.elements[1])
        if kept != expected {
            violations.append("I4: step \(step), slots \(slots): \(kept) was kept, and their sum is \(expected)")
        }
    }

    /// I2, I3, I4: a step is that step's slots, each once, and their sum.
    mutating func upholdStep(_ contribution: StepContribution, total: Pair?) {
        if contribution.step != step { violations.append("I2: step \(contribution.step) applied at step \(step)") }
        let leftOut = Set(contribution.leftOut.map(\.slot))
        let slots = (contribution.outcomes.map(\.slot) + contribution.leftOut.map(\.slot)).sorted()
        let count = slotCount(for: contribution.workers)
        if slots != Array(0..<count) { violations.append("I3: step \(step) of \(count) slots has slots \(slots)") }
        let names = Set((contribution.outcomes + contribution.leftOut).flatMap(\.sampleNames))
        if names != Set((0..<count).map { "\(number(step: step, slot: $0, firstSlot: cursor))" }) {
            violations.append("I3: step \(step) has the samples \(names.sorted())")
        }
        if total != definition(step: step, 0..<count, weights: weights, without: leftOut) {
            violations.append(
                "I4: step \(step) has another sum than its contributors', \(String(describing: total)) in place of "
                    + "\(String(describing: definition(step: step, 0..<count, weights: weights, without: leftOut))), "
                    + "sharded: \(contribution.isSharded)")
        }
    }
}
