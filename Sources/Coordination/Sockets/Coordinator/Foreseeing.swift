import Wire

/// The coordinator's sending of weights before their step is decided: from the master, which can tell them part by part, to
/// the desk.
struct Foreseeing {
    /// Steps that were foreseen, and of those the ones that came out so.
    private(set) var count = (steps: 0, cameTrue: 0)
    private var weights: ForeseenWeights?

    /// Begins a delivery of the weights of `step`.
    ///
    /// - Parameter earlier: the weights of the step before, where everybody to whom these go will have them.
    mutating func begin(
        _ master: any Master, step: Int, delivery: UInt32, since earlier: FlatFloats?, chunkBytes: Int,
        through desk: BulkDesk, to owners: [(stamp: Stamp, chunks: Range<UInt32>)]
    ) throws {
        let weights = ForeseenWeights(
            step: step, delivery: delivery, count: master.parameterCount, chunkBytes: chunkBytes)
        try master.beginForesight()
        desk.foresee(weights, since: earlier, to: owners)
        self.weights = weights
        count.steps += 1
    }

    /// Sends on what follows from the parts of the step's sum that have come.
    mutating func advance(_ master: any Master, through desk: BulkDesk) throws {
        guard var weights, let (sum, chunks) = desk.takeFresh() else { return }
        for chunk in chunks {
            weights.wrote(
                try master.foresee(
                    UnsafeBufferPointer(sum.elements), weights.range(of: chunk), into: weights.floats.elements))
        }
        desk.release(weights)
        self.weights = weights
    }

    /// The step is done otherwise.
    mutating func forget(through desk: BulkDesk) {
        weights = nil
        desk.dropForeseen()
    }

    /// Whether the master has come to these very weights; then they are what is sent.
    mutating func judge(_ master: any Master) -> OutgoingWeights? {
        defer { weights = nil }
        guard let weights, master.step == weights.step, master.withWeights({ weights.areEqual(to: $0) }) else {
            return nil
        }
        count.cameTrue += 1
        return OutgoingWeights(weights)
    }
}
