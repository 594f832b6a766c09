package import ContentStore
package import Wire

/// What may happen to a coordinator.
package enum CoordinatorEvent: Sendable {
    /// A control message came.
    case heard(WorkerMessage, from: Peer, stamp: Stamp)
    /// A worker's bulk connection is there.
    case bulkOpened(stamp: Stamp)
    /// All chunks of a sum came, each with the right checksum.
    ///
    /// `norm` is what ``FlatFloats/norm`` says of it.
    case sum(SlotSum, norm: Double, stamp: Stamp)
    /// A chunk of a sum came whose bytes are not those that were sent.
    case damagedSum(Range<Int>, round: UInt32, stamp: Stamp)
    /// All shards of a round's sum are here; how long each of them is, in the order of the round's shards.
    ///
    /// `own` is what the coordinator found in nobody's shard: Σ x² of each sum.
    case reduced(round: UInt32, norms: [Double], own: [Double]?)
    /// A worker's connection is gone.
    case unreachable(WorkerID)
    /// A worker's key is on the list no more.
    case revoked(WorkerID, Refusal)
    /// The optimizer has had the step's sum; nil when no step is left to do.
    ///
    /// `asForeseen`: it led to the very weights that ``CoordinatorEffect/foresee(_:step:delivery:asChange:)`` has sent.
    case applied(StepVerdict, next: StepPlan?, asForeseen: Bool = false)
    /// Pictures or validation losses are due; told before ``applied(_:next:)`` of the step that they are due after.
    case picturesDue(PictureOrder)
    /// Somebody asks the run to hold still after this step, until ``resume``.
    case pause(reason: String)
    case resume
    /// Somebody asks for the state to be written down after this step.
    case save
    /// ``CoordinatorEffect/save`` was done.
    case saved
    /// ``CoordinatorEffect/save``, or a save of the master's own, could not be done.
    case saveFailed(reason: String)
    /// Somebody lets the workers of this name back in at once.
    case admit(String)
    /// Somebody asks the workers of this name or number to leave after this step.
    case drain(String)
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
    /// Send each shard of the weights to its owner, who passes it on.
    case scatterWeights([Shard], step: Int, delivery: UInt32)
    /// Send each shard of the weights that the step being done will most likely lead to, `step`'s, to its owner, who passes it
    /// on, each chunk as soon as it is known; as what changes, if so it is.
    case foresee([Shard], step: Int, delivery: UInt32, asChange: Bool)
    /// Send no more of what is foreseen.
    case forgetForeseen
    /// Be ready for sums over whole subtrees of this many slots.
    case begin(round: UInt32, step: Int, slotCount: Int)
    /// Add up nobody's shard from these sums.
    case reduce(Reduction)
    /// Add the sum that has just come to the step's.
    case keep(Range<Int>, from: WorkerID)
    /// Let go of it.
    case discard(Range<Int>, from: WorkerID)
    /// Let go of all that belongs to a worker.
    case forget(WorkerID)
    /// Finish the sum and give it to the optimizer, once.
    case finishStep(StepContribution)
    /// Write down the state as it is; to be answered by ``CoordinatorEvent/saved`` or
    /// ``CoordinatorEvent/saveFailed(reason:)``.
    case save
    /// Write down a picture, or validation losses, that are here.
    case keepResult(PictureTask, [UInt8], by: String)
    /// Hand out these weights no more.
    case release(Content)
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
    /// The run has ended, and its last state could not be written down.
    case unsaved(reason: String)
    /// The master cannot go on; what the user should do.
    case gaveUp(advice: String)
}
