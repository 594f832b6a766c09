import Wire

/// When what happened in one try of a step, by the coordinator's clock alone, so that no two clocks are compared.
struct StepTimes: Sendable {
    /// When the weights went out and the first slots were asked for.
    var began: Duration?
    private var held: [WorkerID: Duration] = [:]
    private var delivered: [WorkerID: Duration] = [:]

    /// A worker has said that it holds the step's weights; the first time counts.
    mutating func holds(_ worker: WorkerID, at now: Duration) {
        if began != nil, held[worker] == nil { held[worker] = now }
    }

    /// A sum of a worker is in; the last time counts.
    mutating func brought(by worker: WorkerID, at now: Duration) { delivered[worker] = now }

    /// How a worker's step went that has just become complete.
    ///
    /// The four times add up to the time since ``began``: what was sent while the next slot was computed costs nothing.
    ///
    /// - Parameter movingSince: when all were done and their sums were still being added up among them; nil in a star.
    func parts(
        of worker: WorkerID, computing: Double, movingSince: Duration? = nil, at now: Duration
    ) -> StepContribution.Times {
        guard let began, let delivered = delivered[worker] else {
            return StepContribution.Times(broadcast: 0, compute: computing, send: 0, wait: 0)
        }
        let broadcast = ((held[worker] ?? began) - began).inSeconds
        let busy = (delivered - began).inSeconds
        // A worker may begin before its word of holding the weights is here.
        let early = min(max(0, broadcast), max(0, busy - computing))
        let done = movingSince ?? now
        return StepContribution.Times(
            broadcast: early, compute: computing,
            send: max(0, busy - early - computing) + (now - done).inSeconds, wait: (done - delivered).inSeconds)
    }
}
