package import Wire

extension Worker {
    /// What may happen to a worker.
    package enum Event: Sendable {
        case start
        /// A control message came.
        case heard(CoordinatorMessage, stamp: Stamp)
        /// All chunks of weights came, and the learner has taken them.
        case took(Status.Holding)
        /// The learner is made.
        case made(Status.Shape)
        /// A lease has been computed, and all of it has arrived.
        case delivered(lease: UInt64)
        /// These workers' data ports have answered.
        case reached([UInt32])
        /// A slot was not finite.
        case notFinite(lease: UInt64, round: UInt32, SlotOutcome)
        /// A picture is made: its file.
        case painted(number: UInt64, [UInt8])
        case notPainted(number: UInt64, reason: String)
        /// The learner cannot go on.
        case failed(reason: String)
        /// The learner has done this much, in whatever unit, and is computing this slot.
        case progressed(UInt64, slot: Int?)
        /// So much memory is used.
        case measured(Status.Memory?)
        /// Somebody wants this worker's machine soon: these leases are computed and on their way.
        case leave(computed: [UInt64])
        /// Somebody wants it now.
        case stop
        case tick
    }

    /// What a worker wants done.
    package enum Effect: Equatable, Sendable {
        /// Close all connections, and open a control connection.
        case connect
        case send(WorkerMessage, stamp: Stamp)
        /// Open the bulk connection and say hello on it.
        case openBulk(Welcome, stamp: Stamp)
        /// Make the learner; it stays for later joins of the same run.
        case make(Welcome)
        case compute(Lease)
        /// Make a picture, between slots or while there are none; whatever was being made is wanted no more.
        case paint(PictureTask)
        /// Begin no other slot, and say of every lease that it is computed.
        case finishSlot
        /// Meet those of these workers who have a data port.
        case meet([PeerAddress])
        /// Add up this worker's shard, and send it to the coordinator.
        case reduce(Reduction)
        /// Pass on this worker's shard of the weights.
        case passOn(delivery: UInt32, to: [UInt32], asChange: Bool)
        /// Use the weights of this delivery, which were foreseen.
        case useForeseen(delivery: UInt32)
        /// These are the round's shards now: send the coordinator the parts of sums that are nobody's.
        case reshard(round: UInt32, [Shard])
        /// Send all sums of this round to the coordinator.
        case resend(round: UInt32)
        /// Drop what belongs to rounds before this one, or all of it when nil.
        case abandon(before: UInt32?)
        case note(String)
        case finished(End)
    }

    /// How a worker ends.
    package enum End: Equatable, Sendable {
        /// The coordinator said so: the run is complete, stopped, or does not need this worker any more.
        case dismissed(finished: Bool, reason: String)
        /// Somebody asked it to.
        case left
        case refused(Refusal)
        case failed(reason: String)
    }
}
