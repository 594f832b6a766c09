/// How long the cluster waits for what.
///
/// Every wait has a deadline.
package struct Patience: Equatable, Sendable {
    /// Between a worker's pings.
    package var ping = Duration.seconds(1)
    /// Silence after which a worker gets no new leases.
    package var suspect = Duration.seconds(3)
    /// Silence after which a worker is dead; noticed, polling included, within 5 s.
    package var dead = Duration.seconds(4.5)
    /// Silence after which a worker looks for the coordinator anew; longer, since the coordinator may be saving files.
    package var coordinatorSilent = Duration.seconds(15)
    /// How long the first step waits for ``Coordinator/Settings/minimumWorkers``, once one is ready.
    package var gathering = Duration.seconds(10)
    /// How long a learner's progress may stand still: at least this, and at least five slots' time.
    package var stuck = Duration.seconds(30)
    /// The same before this worker's first slot, in which models are loaded and kernels compiled.
    package var stuckAtFirst = Duration.seconds(900)
    /// How long a picture may stand still that this worker has not made before: at least this, and at least a hundred
    /// slots' time.
    ///
    /// Later ones: at least ``stuck``, and at least five times as long as it stood still then.
    package var pictureAtFirst = Duration.seconds(120)
    /// How long a worker that is asked to leave may take over the slot in hand.
    package var grace = Duration.seconds(20)
    /// How long a worker that has its learner may do without a bulk connection.
    package var opening = Duration.seconds(30)
    /// What a lease may take beyond what others of late have taken.
    package var late = Duration.seconds(1)
    /// A stay at least this long forgives earlier ones that were shorter.
    package var calm = Duration.seconds(60)
    /// How long a worker is kept out that comes and goes or did harm; doubles up to ``longestQuarantine``.
    package var quarantine = Duration.seconds(10)
    package var longestQuarantine = Duration.seconds(300)
    /// Between two tries to save a state that could not be saved.
    package var saveAgain = Duration.seconds(5)
    /// How long a run that is stopped tries to save its last state.
    package var lastSave = Duration.seconds(60)
    /// The slowest link on which weights are still waited for, in bytes a second.
    package var slowestLink = 100_000.0
    /// Silence after which a worker asks again for contents; longer than a chunk takes on the slowest link.
    package var content = Duration.seconds(60)
    /// A worker's first pause before it tries again; doubles up to ``longestRetry``.
    package var retry = Duration.seconds(1)
    package var longestRetry = Duration.seconds(32)

    package init() {}
}

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
