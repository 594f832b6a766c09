import Synchronization
import Wire
import ZeroMQ

/// The learning thread: does jobs until it is told to quit.
struct Apprenticeship {
    let bench: Workbench
    let makeLearner: (Welcome, ContentLine) throws -> any Learner
    private var learner: (any Learner)?
    private var holding: Status.Holding?
    private var contents: ContentLine?
    private var painter: Painter

    init(_ bench: Workbench, makeLearner: @escaping (Welcome, ContentLine) throws -> any Learner) {
        self.bench = bench
        self.makeLearner = makeLearner
        painter = Painter(bench)
    }

    /// - Returns: what the learner threw, if anything.
    mutating func run() throws -> (any Error)? {
        while true {
            let jobs = painter.isBusy ? bench.jobs.takeAll() : try bench.jobs.wait(timeout: .seconds(60))
            if jobs.isEmpty { painter.advance() }
            for job in jobs {
                if case .quit = job { return nil }
                do {
                    try work(on: job)
                } catch ContentLine.Failure.over {
                    continue
                } catch {
                    bench.reports.put(.failed(reason: "\(error)"))
                    try waitForDismissal()
                    return error
                }
            }
        }
    }

    private func waitForDismissal() throws {
        while true {
            for case .quit in try bench.jobs.wait(timeout: .seconds(60)) { return }
        }
    }

    private mutating func work(on job: Workbench.Job) throws {
        switch job {
        case .make(let welcome, let contents):
            let made = try makeLearner(welcome, contents)
            learner = made
            self.contents = contents
            bench.progress.wrappingAdd(1, ordering: .relaxed)
            bench.reports.put(
                .made(Status.Shape(parameterCount: made.parameterCount, tableHash: made.shapeTableHash)))
        case .use(let weights, let step, let holding):
            guard let learner else { return }
            try learner.use(weights: UnsafeBufferPointer(weights.elements), step: step)
            self.holding = holding
            bench.progress.wrappingAdd(1, ordering: .relaxed)
            bench.reports.put(.took(holding))
        case .compute(let lease, let epoch): try compute(lease, epoch: epoch)
        case .paint(let task):
            if let learner, let contents { try painter.begin(task, with: learner, from: contents) }
        case .quit: break
        }
    }

    private mutating func compute(_ lease: Lease, epoch: UInt64) throws {
        guard let learner, let slots = lease.slots else { return }
        let first = lease.firstSlot
        // Who computed these slots of a step is most likely asked for the same ones of the next.
        learner.expect([first, first + lease.slotCount].flatMap { start in slots.map { start + $0 } })
        let clock = ContinuousClock()
        var sums = PartialSums(over: slots, in: SlotTree(slotCount: lease.slotCount))
        var outcomes: [Int: SlotOutcome] = [:]
        var norms: [Range<Int>: Double] = [:]
        var seconds = 0.0
        var unsent = 0
        let holding = holding
        func report(_ finished: [PartialSums.Finished]) throws {
            guard !finished.isEmpty else { return }
            // Read after the computing: what memory has changed by then may have been computed with.
            let weights = try learner.checksumOfWeights() ?? holding?.checksum ?? 0
            for (slots, floats) in finished {
                let part = seconds * Double(slots.count) / Double(max(1, unsent))
                unsent -= slots.count
                seconds -= part
                var sum = SlotSum(
                    of: lease, slots: slots, weights: weights, outcomes: slots.compactMap { outcomes[$0] },
                    seconds: part)
                sum.norm = norms[slots] ?? floats.norm
                bench.reports.put(.sum(sum, floats, step: lease.step, epoch: epoch))
            }
        }
        defer { bench.slot.store(-1, ordering: .relaxed) }
        for slot in slots {
            guard bench.isCurrent(epoch) else { return }
            bench.slot.store(slot, ordering: .sequentiallyConsistent)
            if bench.isLastSlot.load(ordering: .sequentiallyConsistent) {
                try report(sums.end(before: slot))
                break
            }
            let completion = sums.completion(by: slot)
            let growing = growingSum(completion, lease, count: learner.parameterCount, epoch: epoch)
            let began = clock.now
            var outcome = try learner.gradient(
                of: lease.firstSlot + slot, step: lease.step, lossScale: lease.lossScale,
                into: growing.gradient.elements, finished: growing.finish)
            outcome.slot = slot
            bench.progress.wrappingAdd(1, ordering: .relaxed)
            if outcome.notFinite == nil {
                growing.finish()
                if !growing.gradientNorm.isFinite { outcome.notFinite = "its gradient" }
            }
            if outcome.notFinite == nil {
                seconds += (clock.now - began).inSeconds
                unsent += 1
                outcomes[slot] = outcome
                if let completion {
                    norms[completion.slots] = growing.sumNorm
                    try report(sums.complete(completion.slots, with: growing.sum))
                } else {
                    try report(sums.add(growing.gradient, of: slot))
                }
            } else {
                bench.reports.put(.notFinite(lease: lease.number, round: lease.round, outcome, epoch: epoch))
                try report(sums.leaveOut(slot))
            }
            painter.advance()
        }
        bench.reports.put(.computed(lease: lease.number, epoch: epoch))
    }

    /// The sum that a slot completes; parts of it are told of at once where they go to the owners of shards.
    private func growingSum(
        _ completion: (slots: Range<Int>, lefts: [FlatFloats])?, _ lease: Lease, count: Int, epoch: UInt64
    ) -> GrowingSum {
        guard let completion, lease.shards != nil else {
            return GrowingSum(count: count, adding: completion?.lefts ?? []) { _, _ in }
        }
        return GrowingSum(count: count, adding: completion.lefts) { [bench] sum, range in
            bench.reports.put(.grown(lease, slots: completion.slots, sum, range, epoch: epoch))
        }
    }
}
