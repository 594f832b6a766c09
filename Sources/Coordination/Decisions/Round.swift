import Wire

/// What the next step is.
package struct StepPlan: Equatable, Sendable {
    package var step: Int
    package var slotCount: Int
    package var lossScale: Float
    /// The checksum of the weights to compute with.
    package var weights: UInt64

    package init(step: Int, slotCount: Int, lossScale: Float, weights: UInt64) {
        self.step = step
        self.slotCount = slotCount
        self.lossScale = lossScale
        self.weights = weights
    }
}

/// One try of a step: which slots are in, who has been asked for the others.
struct Round: Sendable {
    /// Slots that one worker was asked for.
    struct Grant: Sendable {
        let number: UInt64
        let worker: WorkerID
        let slots: Range<Int>
        let since: Duration
        let deadline: Duration?
        /// Slots it has neither brought nor reported.
        var missing: Set<Int>
        /// Past its deadline: others may be asked too.
        var isLate = false
        /// Its worker is gone or knows nothing of it.
        var isLost = false

        var isOpen: Bool { !isLost && !missing.isEmpty }
    }

    let plan: StepPlan
    let number: UInt32
    let tree: SlotTree
    /// When the first slot was given out.
    var beganAt: Duration?
    /// When the round last got on: it began, or a sum came.
    var heardAt: Duration?
    private(set) var grants: [Grant] = []
    /// By slot, of those that are in.
    private(set) var outcomes: [Int: (outcome: SlotOutcome, worker: WorkerID)] = [:]
    private(set) var leftOut: [Int: SlotOutcome] = [:]
    /// Who found a slot not finite.
    private(set) var tried: [Int: [WorkerID]] = [:]
    private(set) var seconds: [WorkerID: Double] = [:]
    /// Slots that nobody is computing, or only somebody who is late.
    private(set) var free: Set<Int>
    /// How many grants that are not late keep a slot from being free.
    private var reservations: [Int]
    private var latestGrant: [WorkerID: Int] = [:]

    init(_ plan: StepPlan, number: UInt32) {
        self.plan = plan
        self.number = number
        tree = SlotTree(slotCount: plan.slotCount)
        free = Set(0..<plan.slotCount)
        reservations = Array(repeating: 0, count: plan.slotCount)
    }

    var isComplete: Bool { outcomes.count + leftOut.count == plan.slotCount }

    func isIn(_ slot: Int) -> Bool { outcomes[slot] != nil || leftOut[slot] != nil }

    func openGrant(of worker: WorkerID) -> Grant? {
        latestGrant[worker].flatMap { grants[$0].isOpen ? grants[$0] : nil }
    }

    /// Who is computing.
    var busy: Set<WorkerID> { Set(latestGrant.lazy.filter { grants[$0.value].isOpen }.map(\.key)) }

    mutating func grant(_ slots: Range<Int>, to worker: WorkerID, number: UInt64, now: Duration, within: Duration?) {
        let missing = Set(slots.filter { !isIn($0) })
        latestGrant[worker] = grants.count
        grants.append(
            Grant(
                number: number, worker: worker, slots: slots, since: now, deadline: within.map { now + $0 },
                missing: missing))
        for slot in missing { reservations[slot] += 1 }
        free.subtract(missing)
    }

    /// What became of a sum.
    enum Taken {
        /// It is in; these grants of its worker are done with it.
        case fresh(finished: [Grant])
        /// All of it is in already.
        case duplicate
        /// It is no sum that its worker was asked for.
        case malformed
    }

    /// Takes the sum over a whole subtree, once.
    mutating func take(_ sum: SlotSum, from worker: WorkerID) -> Taken {
        guard let slots = sum.slots, slots.upperBound <= plan.slotCount, tree.isNode(slots),
            sum.outcomes.count == slots.count, sum.seconds.isFinite, sum.seconds >= 0,
            zip(sum.outcomes, slots).allSatisfy({ $0.slot == $1 && $0.samples > 0 && $0.notFinite == nil }),
            grants.contains(where: {
                $0.worker == worker && $0.slots.lowerBound <= slots.lowerBound
                    && slots.upperBound <= $0.slots.upperBound
            })
        else { return .malformed }
        guard slots.contains(where: { outcomes[$0] == nil }), !slots.contains(where: { leftOut[$0] != nil }) else {
            settle(slots)
            return .duplicate
        }
        for outcome in sum.outcomes { outcomes[outcome.slot] = (outcome, worker) }
        seconds[worker, default: 0] += sum.seconds
        return .fresh(finished: settle(slots).filter { $0.worker == worker })
    }

    /// Notes that a slot was not finite.
    ///
    /// - Returns: whether it is to be tried again; nil when nobody asked.
    mutating func notFinite(_ outcome: SlotOutcome, from worker: WorkerID, tries: Int) -> Bool? {
        let slot = outcome.slot
        guard grants.contains(where: { $0.worker == worker && $0.slots.contains(slot) && $0.missing.contains(slot) })
        else { return nil }
        for index in grants.indices where grants[index].worker == worker {
            if grants[index].missing.remove(slot) != nil { release([slot], of: index) }
        }
        guard !isIn(slot) else { return nil }
        tried[slot, default: []].append(worker)
        guard (tried[slot]?.count ?? 0) >= tries else { return true }
        leftOut[slot] = outcome
        settle(slot..<slot + 1)
        return false
    }

    /// Frees what a worker was asked for.
    @discardableResult
    mutating func lose(_ worker: WorkerID) -> [Int] {
        var lost: [Int] = []
        for index in grants.indices where grants[index].worker == worker && grants[index].isOpen {
            release(grants[index].missing, of: index)
            grants[index].isLost = true
            lost += grants[index].missing
        }
        return lost.sorted()
    }

    /// Grants that have just become late.
    mutating func late(at now: Duration) -> [Grant] {
        var late: [Grant] = []
        for index in grants.indices where grants[index].isOpen && !grants[index].isLate {
            if let deadline = grants[index].deadline, now > deadline {
                release(grants[index].missing, of: index)
                grants[index].isLate = true
                late.append(grants[index])
            }
        }
        return late
    }

    /// Takes a grant's hand off slots, which are free if no other grant holds them.
    private mutating func release(_ slots: Set<Int>, of index: Int) {
        guard !grants[index].isLate && !grants[index].isLost else { return }
        for slot in slots {
            reservations[slot] -= 1
            if reservations[slot] == 0 && !isIn(slot) { free.insert(slot) }
        }
    }

    /// Strikes those of `slots` that are in off all grants.
    ///
    /// - Returns: grants that have nothing missing any more.
    @discardableResult
    private mutating func settle(_ slots: Range<Int>) -> [Grant] {
        let settled = Set(slots.filter(isIn))
        free.subtract(settled)
        var finished: [Grant] = []
        for index in grants.indices where !grants[index].missing.isEmpty && grants[index].slots.overlaps(slots) {
            release(grants[index].missing.intersection(settled), of: index)
            grants[index].missing.subtract(settled)
            if grants[index].missing.isEmpty && !grants[index].isLost { finished.append(grants[index]) }
        }
        return finished
    }
}
