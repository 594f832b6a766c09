extension StepPlan {
    /// The master's next step, at the weights that it has now.
    init(_ master: any Master, weights: OutgoingWeights) {
        self.init(
            step: master.step, slotCount: master.step < master.totalSteps ? master.slotCount(of: master.step) : 0,
            lossScale: master.lossScale, weights: weights.checksum)
        base = weights.update?.base
        firstSlot = master.firstSlot(of: step)
        canBeForeseen = master.canForesee
        growth = master.slotsPerWorker.map { Growth(slotsPerWorker: $0, limit: slotCount) }
        // A few slots until it is known for how many workers the step is.
        self = settled(for: 1)
    }
}
