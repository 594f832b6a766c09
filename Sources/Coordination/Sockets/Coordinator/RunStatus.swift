import Wire

/// How a run stands, and how far it is.
package struct RunStatus: Codable, Equatable, Sendable {
    /// A worker's part in the step before, in seconds where nothing else is said.
    package struct Share: Codable, Equatable, Sendable {
        /// The worker's number.
        package var worker: UInt32
        package var slots: Int
        package var compute: Double
        /// Until it held the weights, and until its last sum was in.
        package var communicate: Double
        /// The first part of that; nil where an earlier program did not say.
        package var broadcast: Double?
        /// For the other workers.
        package var wait: Double

        package init(
            worker: UInt32, slots: Int, compute: Double, communicate: Double, wait: Double, broadcast: Double? = nil
        ) {
            self.worker = worker
            self.slots = slots
            self.compute = compute
            self.communicate = communicate
            self.wait = wait
            self.broadcast = broadcast
        }

        init(_ share: StepContribution.Share) {
            let times = share.times
            self.init(
                worker: share.worker.number, slots: share.slots, compute: times.compute,
                communicate: times.broadcast + times.send, wait: times.wait, broadcast: times.broadcast)
        }
    }

    package var snapshot: Snapshot
    /// Steps that the run has.
    package var totalSteps: Int
    /// From 1; nil where the program did not say.
    package var epoch: Int?
    package var epochs: Int?
    /// The mean loss of the step before.
    package var loss: Double?
    /// Samples in a mean slot of the step before.
    package var samplesPerSlot: Double?
    /// Which start of the coordinator this is.
    package var incarnation: UInt64
    /// What only the program knows; nil before the first step.
    package var progress: RunProgress?
    /// Who had which part in the step before.
    package var shares: [Share]?

    package init(
        snapshot: Snapshot, totalSteps: Int, epoch: Int? = nil, epochs: Int? = nil, loss: Double? = nil,
        samplesPerSlot: Double? = nil, incarnation: UInt64, progress: RunProgress? = nil, shares: [Share]? = nil
    ) {
        self.snapshot = snapshot
        self.totalSteps = totalSteps
        self.epoch = epoch
        self.epochs = epochs
        self.loss = loss
        self.samplesPerSlot = samplesPerSlot
        self.incarnation = incarnation
        self.progress = progress
        self.shares = shares
    }
}

/// What a program tells of its run beyond what the cluster knows, which passes it on to whoever asks.
package struct RunProgress: Codable, Equatable, Sendable {
    /// Something that happened.
    package struct Event: Codable, Equatable, Sendable {
        /// Seconds since 1970, by the coordinator's clock.
        package var time: Double
        package var sentence: String

        package init(time: Double, sentence: String) {
            self.time = time
            self.sentence = sentence
        }
    }

    /// kohya's `avr_loss`.
    package var averageLoss: Double?
    /// The last one; nil before it, and where nothing is held out.
    package var validationLoss: Double?
    /// By parameter group.
    package var learningRates: [String: Double] = [:]
    package var gradientNorm: Double?
    /// In samples.
    package var noiseScale: Double?
    package var effectiveBatch: Int?
    package var secondsPerStep: Double?
    package var samplesPerSecond: Double?
    /// The coordinator's part in the step before: adding up, and from the complete sum to new weights.
    package var reduceSeconds: Double?
    package var optimizerSeconds: Double?
    /// The last ones, oldest first.
    package var events: [Event] = []

    package init() {}
}
