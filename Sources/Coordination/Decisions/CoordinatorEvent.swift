package import Wire

/// What may happen to a coordinator.
package enum CoordinatorEvent: Sendable {
    /// A control message came.
    case heard(WorkerMessage, from: Peer, stamp: Stamp)
    /// A worker's bulk connection is there.
    case bulkOpened(stamp: Stamp)
    /// All chunks of a sum came, each with the right checksum.
    case sum(SlotSum, stamp: Stamp)
    /// A worker's connection is gone.
    case unreachable(WorkerID)
    /// The optimizer has had the step's sum; nil when no step is left to do.
    case applied(StepVerdict, next: StepPlan?)
    /// Somebody asks one worker to leave after this step.
    case drain(WorkerID)
    /// Somebody asks for the end after this step; asked twice, at once.
    case stop(reason: String)
    /// Time has passed.
    case tick
}

/// What a coordinator wants done about it.
package enum CoordinatorEffect: Equatable, Sendable {
    /// Say this to whoever is at `to`, with this stamp.
    case send(CoordinatorMessage, to: Peer, stamp: Stamp)
    /// Send the weights as they are now.
    case sendWeights(to: WorkerID, step: Int, delivery: UInt32)
    /// Be ready for sums over whole subtrees of this many slots.
    case begin(round: UInt32, step: Int, slotCount: Int)
    /// Add the sum that has just come to the step's.
    case keep(Range<Int>, from: WorkerID)
    /// Let go of it.
    case discard(Range<Int>, from: WorkerID)
    /// Let go of all that belongs to a worker.
    case forget(WorkerID)
    /// Finish the sum and give it to the optimizer, once.
    case finishStep(StepContribution)
    /// Write down the state as it is.
    case save
    /// Tell whoever watches.
    case note(Note)
    /// The run is over for this coordinator.
    case finished(Finish)
}

/// How a coordinator ends.
package enum Finish: Equatable, Sendable {
    /// All steps are done.
    case complete
    /// Somebody asked for it.
    case stopped(reason: String)
    /// The master cannot go on; what the user should do.
    case gaveUp(advice: String)
}

/// What people may like to know while it happens, in a sentence each.
package enum Note: Equatable, Sendable, CustomStringConvertible {
    case joined(WorkerID, name: String, exactnessClass: String)
    case ready(WorkerID, name: String)
    case refused(name: String, Refusal)
    case suspect(WorkerID, silentFor: Duration)
    case left(WorkerID, name: String, reason: String)
    case late(WorkerID, slots: Int)
    case reassigned(slots: Int, of: WorkerID)
    case notFinite(WorkerID, SlotOutcome)
    case leftOut(SlotOutcome)
    case damagedWeights(WorkerID)
    case waiting(reason: String)
    case repeated(step: Int, reason: String)
    case rolledBack(to: Int, reason: String)

    package var description: String {
        switch self {
        case .joined(let id, let name, _): "\(id) (\(name)) joined"
        case .ready(let id, let name): "\(id) (\(name)) is ready"
        case .refused(let name, let refusal): "refused \(name): \(refusal)"
        case .suspect(let id, let silence): "\(id) has been silent for \(Int(silence.inSeconds)) s"
        case .left(let id, let name, let reason): "\(id) (\(name)) is gone: \(reason)"
        case .late(let id, let slots): "\(id) is late with \(slots) slots; whoever is idle computes them too"
        case .reassigned(let slots, let id): "\(slots) slots of \(id) are computed elsewhere"
        case .notFinite(let id, let outcome):
            "slot \(outcome.slot) (\(outcome.sampleNames.joined(separator: ", "))) is not finite in "
                + "\(outcome.notFinite ?? "its sum") at \(id)"
        case .leftOut(let outcome):
            "the step goes on without slot \(outcome.slot) (\(outcome.sampleNames.joined(separator: ", "))), "
                + "which was not finite wherever it was computed"
        case .damagedWeights(let id): "the weights arrived damaged at \(id) and are sent again"
        case .waiting(let reason): reason
        case .repeated(let step, let reason): "step \(step) is done again: \(reason)"
        case .rolledBack(let step, let reason): "back to step \(step): \(reason)"
        }
    }
}
