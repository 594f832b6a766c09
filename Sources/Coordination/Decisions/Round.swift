import Wire

/// What the next step is.
package struct StepPlan: Equatable, Sendable {
    package var step: Int
    package var slotCount: Int
    package var lossScale: Float
    /// The checksum of the weights to compute with.
    package var weights: UInt64
    /// The checksum of the weights to which an update leads up to these; nil where there is none.
    package var base: UInt64?
    /// What learners add to the numbers of the step's slots; see ``Master/firstSlot(of:)``.
    package var firstSlot = 0
    /// How the step grows with the world; nil when it does not.
    package var growth: Growth?
    /// Whether the master can tell, of the parts of the step's sum that are there, which weights they will lead to.
    package var canBeForeseen = false

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
        var since: Duration
        var deadline: Duration?
        /// Slots it has neither brought nor reported.
        var missing: Set<Int>
        /// Past its deadline: others may be asked too.
        var isLate = false
        /// Its worker is gone or knows nothing of it.
        var isLost = false

        var isOpen: Bool { !isLost && !missing.isEmpty }
    }

    /// One of the sums that a step is made of.
    struct Term: Equatable, Sendable {
        let worker: WorkerID
        /// √Σ x², measured by the coordinator in a star, stated by the worker where it goes to others in parts.
        let norm: Double
    }

    /// A norm that nobody else has confirmed.
    struct Doubt: Sendable {
        let worker: WorkerID
        let norm: Double
    }

    let plan: StepPlan
    let number: UInt32
    let tree: SlotTree
    /// When the first slot was given out.
    var times = StepTimes()
    var beganAt: Duration? { times.began }
    /// When the round last got on: it began, or a sum came.
    var heardAt: Duration?
    /// Workers that could compute when it began.
    var workers = 0
    /// Who adds up what; nil when the coordinator adds up all.
    var shards: [Shard]?
    /// The delivery of weights that is passed on among workers.
    var scattered: UInt32?
    /// Whether fp32 numbers go in fewer bytes.
    let isPacking: Bool
    /// Whether the change of the weights was enough for all of them.
    var isScatteredAsUpdate = false
    /// The next step's weights, which leave before this step is decided.
    var foresight: Foresight?
    /// What the owners have been told to add up.
    private(set) var reduction: Reduction?
    private var lastReduction: UInt32 = 0
    /// When all that they are to add up was there.
    var reducingSince: Duration?
    /// What the owners have found in their shards of the sums, and how long their own sums of them are.
    var evidence = ShardEvidence()
    /// The sums that the step is made of, whose they are, and how long they are said to be.
    private(set) var terms: [Range<Int>: Term] = [:]
    private(set) var grants: [Grant] = []
    /// By slot, of those that are in.
    private(set) var outcomes: [Int: (outcome: SlotOutcome, worker: WorkerID)] = [:]
    private(set) var leftOut: [Int: SlotOutcome] = [:]
    /// Whose word on a slot was not believed: others are asked first.
    private(set) var refusers: [Int: [WorkerID]] = [:]
    /// Norms beyond belief, and who found them.
    private(set) var doubts: [Int: [Doubt]] = [:]
    /// Who found a slot not finite.
    private var foundNotFinite: [Int: Int] = [:]
    private(set) var seconds: [WorkerID: Double] = [:]
    /// Slots that nobody is computing, or only somebody who is late.
    private(set) var free: Set<Int>
    /// How many grants that are not late keep a slot from being free.
    private var reservations: [Int]
    private var latestGrant: [WorkerID: Int] = [:]
    /// Whether sums were asked for again, so that a worker may have several grants open.
    private var isReopened = false

    init(_ plan: StepPlan, number: UInt32, isPacking: Bool = false) {
        self.isPacking = isPacking
        self.plan = plan
        self.number = number
        tree = SlotTree(slotCount: plan.slotCount)
        free = Set(0..<plan.slotCount)
        reservations = Array(repeating: 0, count: plan.slotCount)
    }

    /// Says what the owners are to add up from now on.
    mutating func reduce(_ terms: [Reduction.Term]) -> Reduction {
        lastReduction += 1
        let reduction = Reduction(
            round: number, number: lastReduction, step: plan.step, slotCount: plan.slotCount, lossScale: plan.lossScale,
            terms: terms)
        self.reduction = reduction
        evidence = ShardEvidence()
        return reduction
    }

    /// What the owners add up is not wanted any more.
    mutating func forgetReduction() {
        reduction = nil
        reducingSince = nil
        evidence = ShardEvidence()
    }

    /// The sums that a step is made of when everybody brings what it was asked for; nil while somebody still has to be
    /// asked.
    var expectedTerms: [Reduction.Term]? {
        guard free.isEmpty, outcomes.isEmpty, leftOut.isEmpty else { return nil }
        let terms = grants.filter(\.isOpen).flatMap { grant in
            tree.subtrees(in: grant.slots).map { Reduction.Term(worker: grant.worker, slots: $0) }
        }
        return terms.sorted { $0.first < $1.first }
    }

    /// Chunks of the shard that the coordinator adds up, its owner being gone.
    var orphan: Range<UInt32>? { shards?.first { $0.owner == WorkerID.nobody.number }?.chunks }

    var isComplete: Bool { outcomes.count + leftOut.count == plan.slotCount }

    func isIn(_ slot: Int) -> Bool { outcomes[slot] != nil || leftOut[slot] != nil }

    func openGrant(of worker: WorkerID) -> Grant? {
        if let latest = latestGrant[worker].map({ grants[$0] }), latest.isOpen { return latest }
        return isReopened ? grants.last { $0.worker == worker && $0.isOpen } : nil
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

    /// What a sum is to a round.
    enum Assessment {
        case fresh
        /// All of it is in already, or has been refused.
        case duplicate
        /// It is no sum that its worker was asked for.
        case malformed
    }

    func assess(_ sum: SlotSum, from worker: WorkerID) -> Assessment {
        guard let slots = sum.slots, slots.upperBound <= plan.slotCount, tree.isNode(slots),
            sum.outcomes.count == slots.count, sum.seconds.isFinite, sum.seconds >= 0,
            sum.lossScale == plan.lossScale,
            zip(sum.outcomes, slots).allSatisfy({ $0.slot == $1 && $0.samples > 0 && $0.isFinite }),
            let grant = grants.last(where: { $0.number == sum.lease && $0.worker == worker }),
            grant.slots.lowerBound <= slots.lowerBound && slots.upperBound <= grant.slots.upperBound
        else { return .malformed }
        let new = slots.filter { outcomes[$0] == nil }
        let isNew = !new.isEmpty && new.allSatisfy { grant.missing.contains($0) && leftOut[$0] == nil }
        return isNew ? .fresh : .duplicate
    }

    /// Takes a fresh sum over a whole subtree.
    ///
    /// - Returns: those of its worker's grants that are done now.
    mutating func take(_ sum: SlotSum, norm: Double, from worker: WorkerID) -> [Grant] {
        guard let slots = sum.slots else { return [] }
        for outcome in sum.outcomes { outcomes[outcome.slot] = (outcome, worker) }
        for below in terms.keys where slots.lowerBound <= below.lowerBound && below.upperBound <= slots.upperBound {
            terms[below] = nil
        }
        terms[slots] = Term(worker: worker, norm: norm)
        seconds[worker, default: 0] += sum.seconds
        return settle(slots).filter { $0.worker == worker }
    }

    /// Whether a worker that was asked for some of these slots has not brought them yet.
    func isWaiting(for slots: Range<Int>, from worker: WorkerID) -> Bool {
        grants.contains { $0.worker == worker && $0.isOpen && !$0.missing.isDisjoint(with: slots) }
    }

    /// Takes slots back from a worker whose sum over them is not believed.
    ///
    /// - Parameter elsewhere: whether others are to be asked first.
    mutating func refuse(_ slots: Range<Int>, from worker: WorkerID, elsewhere: Bool = false) {
        takeBack(from: worker) { slots.contains($0) }
        guard elsewhere else { return }
        for slot in slots where !isIn(slot) { refusers[slot, default: []].append(worker) }
    }

    /// Notes a norm beyond belief.
    ///
    /// - Returns: how many opinions there are of this slot.
    mutating func doubt(_ slot: Int, norm: Double, from worker: WorkerID) -> Int {
        doubts[slot, default: []].append(Doubt(worker: worker, norm: norm))
        refusers[slot, default: []].append(worker)
        return doubts[slot]?.count ?? 0
    }

    mutating func leaveOut(_ outcome: SlotOutcome) {
        leftOut[outcome.slot] = outcome
        settle(outcome.slot..<outcome.slot + 1)
    }

    /// Notes that a slot was not finite.
    ///
    /// - Returns: whether it is to be tried again; nil when nobody asked.
    mutating func notFinite(_ outcome: SlotOutcome, lease: UInt64, from worker: WorkerID, tries: Int) -> Bool? {
        let slot = outcome.slot
        guard grants.contains(where: { $0.number == lease && $0.worker == worker && $0.missing.contains(slot) })
        else { return nil }
        takeBack(from: worker) { $0 == slot }
        guard !isIn(slot) else { return nil }
        refusers[slot, default: []].append(worker)
        foundNotFinite[slot, default: 0] += 1
        guard foundNotFinite[slot, default: 0] >= tries else { return true }
        leaveOut(outcome)
        return false
    }

    /// Takes back what a worker will not bring.
    ///
    /// - Returns: slots that nobody has brought.
    mutating func giveBack(from worker: WorkerID, keeping kept: [Range<Int>]) -> [Int] {
        takeBack(from: worker) { slot in !kept.contains { $0.contains(slot) } }
    }

    @discardableResult
    private mutating func takeBack(from worker: WorkerID, where isWanted: (Int) -> Bool) -> [Int] {
        var back: [Int] = []
        for index in grants.indices where grants[index].worker == worker && grants[index].isOpen {
            let slots = grants[index].missing.filter(isWanted)
            grants[index].missing.subtract(slots)
            release(slots, of: index)
            back += slots
        }
        return back.sorted()
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

    /// Forgets the sums of a worker whose parts may not have got to where they were needed.
    ///
    /// - Returns: their slots, which are to be computed again.
    mutating func loseSums(of worker: WorkerID) -> [Int] {
        let slots = terms.filter { $0.value.worker == worker }.keys.flatMap { $0 }
        terms = terms.filter { $0.value.worker != worker }
        for slot in slots { outcomes[slot] = nil }
        free.formUnion(slots.filter { reservations[$0] == 0 && !isIn($0) })
        return slots.sorted()
    }

    /// Forgets which sums are in, since they are to come again from those who made them, where these are still there.
    mutating func reopen(at now: Duration, within patience: Duration, isThere: (WorkerID) -> Bool) {
        outcomes = [:]
        terms = [:]
        forgetReduction()
        isReopened = true
        seconds = [:]
        reservations = Array(repeating: 0, count: plan.slotCount)
        for index in grants.indices where !grants[index].isLost {
            let grant = grants[index]
            guard isThere(grant.worker) else {
                grants[index].isLost = true
                continue
            }
            grants[index].missing = Set(
                grant.slots.filter { leftOut[$0] == nil && refusers[$0]?.contains(grant.worker) != true })
            grants[index].since = now
            grants[index].deadline = now + patience
            grants[index].isLate = false
            for slot in grants[index].missing { reservations[slot] += 1 }
        }
        free = Set((0..<plan.slotCount).filter { reservations[$0] == 0 && leftOut[$0] == nil })
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
    mutating func settle(_ slots: Range<Int>) -> [Grant] {
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
