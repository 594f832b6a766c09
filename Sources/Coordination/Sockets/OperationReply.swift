/// What a coordinator answers to whoever asks something of its run: what was done, or why not.
package struct OperationReply: Codable, Equatable, Sendable {
    /// That of the request.
    package var number: UInt64
    /// Whether this is all; an answer before the last says what is waited for.
    package var isLast: Bool
    /// Whether what was asked is done.
    package var isDone: Bool
    package var sentence: String
    /// For whoever asked for it.
    package var status: RunStatus?
}

/// How a run stands, and how far it is.
package struct RunStatus: Codable, Equatable, Sendable {
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

    package init(
        snapshot: Snapshot, totalSteps: Int, epoch: Int? = nil, epochs: Int? = nil, loss: Double? = nil,
        samplesPerSlot: Double? = nil, incarnation: UInt64
    ) {
        self.snapshot = snapshot
        self.totalSteps = totalSteps
        self.epoch = epoch
        self.epochs = epochs
        self.loss = loss
        self.samplesPerSlot = samplesPerSlot
        self.incarnation = incarnation
    }
}
