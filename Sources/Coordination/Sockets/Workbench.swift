import Synchronization
import Wire
import ZeroMQ

/// Where a worker's two threads meet: one talks, one learns.
final class Workbench: Sendable {
    /// What the learner's thread is asked to do.
    ///
    /// A job whose epoch has passed is not begun.
    enum Job: Sendable {
        case make(Welcome, ContentLine)
        case use(FlatFloats, step: Int, Status.Holding)
        case compute(Lease, epoch: UInt64)
        case quit
    }

    /// What it says of it.
    enum Report: Sendable {
        case made(Status.Shape)
        case took(Status.Holding)
        case sum(SlotSum, FlatFloats, step: Int, epoch: UInt64)
        case notFinite(lease: UInt64, round: UInt32, SlotOutcome, epoch: UInt64)
        case computed(lease: UInt64, epoch: UInt64)
        case failed(reason: String)
        /// Content is wanted; this is the request's number.
        case wanted(UInt32, ContentRequest)
    }

    let jobs: Mailbox<Job>
    let reports: Mailbox<Report>
    /// Grows with everything that the learner gets done.
    let progress = Atomic<UInt64>(0)
    /// The slot being computed; -1 while none is.
    let slot = Atomic<Int>(-1)
    /// No slot after the one in hand is begun.
    let isLastSlot = Atomic<Bool>(false)
    /// Leases of an earlier epoch are given up between two slots.
    let epoch = Atomic<UInt64>(0)

    init() throws {
        jobs = try Mailbox()
        reports = try Mailbox()
    }

    func isCurrent(_ epoch: UInt64) -> Bool { self.epoch.load(ordering: .acquiring) == epoch }

    func giveUp() { epoch.wrappingAdd(1, ordering: .acquiringAndReleasing) }
}

/// The learning thread: does jobs until it is told to quit.
struct Apprenticeship {
    let bench: Workbench
    let makeLearner: (Welcome, ContentLine) throws -> any Learner
    private var learner: (any Learner)?
    private var holding: Status.Holding?

    init(_ bench: Workbench, makeLearner: @escaping (Welcome, ContentLine) throws -> any Learner) {
        self.bench = bench
        self.makeLearner = makeLearner
    }

    /// - Returns: what the learner threw, if anything.
    mutating func run() throws -> (any Error)? {
        while true {
            for job in try bench.jobs.wait(timeout: .seconds(60)) {
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
        case .quit: break
        }
    }

    private func compute(_ lease: Lease, epoch: UInt64) throws {
        guard let learner, let slots = lease.slots else { return }
        let clock = ContinuousClock()
        var sums = PartialSums(over: slots, in: SlotTree(slotCount: lease.slotCount))
        var outcomes: [Int: SlotOutcome] = [:]
        var seconds = 0.0
        var unsent = 0
        func report(_ finished: [PartialSums.Finished]) throws {
            guard !finished.isEmpty else { return }
            // Read after the computing: what memory has changed by then may have been computed with.
            let weights = try learner.checksumOfWeights() ?? holding?.checksum ?? 0
            for (slots, sum) in finished {
                let part = seconds * Double(slots.count) / Double(max(1, unsent))
                unsent -= slots.count
                seconds -= part
                bench.reports.put(
                    .sum(
                        SlotSum(
                            of: lease, slots: slots, weights: weights, outcomes: slots.compactMap { outcomes[$0] },
                            seconds: part), sum, step: lease.step, epoch: epoch))
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
            let gradient = FlatFloats(count: learner.parameterCount)
            let began = clock.now
            var outcome = try learner.gradient(
                of: lease.firstSlot + slot, step: lease.step, lossScale: lease.lossScale, into: gradient.elements)
            outcome.slot = slot
            bench.progress.wrappingAdd(1, ordering: .relaxed)
            if outcome.notFinite == nil && !gradient.isFinite { outcome.notFinite = "its gradient" }
            if outcome.notFinite == nil {
                seconds += (clock.now - began).inSeconds
                unsent += 1
                outcomes[slot] = outcome
                try report(sums.add(gradient, of: slot))
            } else {
                bench.reports.put(.notFinite(lease: lease.number, round: lease.round, outcome, epoch: epoch))
                try report(sums.leaveOut(slot))
            }
        }
        bench.reports.put(.computed(lease: lease.number, epoch: epoch))
    }
}
