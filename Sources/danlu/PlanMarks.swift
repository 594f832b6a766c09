import Recipe

/// How far a run is between two steps, for what is due every so many steps or epochs.
struct PlanMarks {
    /// In steps of the plan, and whole epochs.
    typealias Place = (steps: Int, epochs: Int)

    private let plan: TrainingPlan
    private var before: Place?

    init(_ plan: TrainingPlan) {
        self.plan = plan
    }

    /// To be asked once before the first step of a life, and once after each.
    ///
    /// - Parameters:
    ///   - step: steps done.
    ///   - firstSlot: where the next one begins.
    /// - Returns: where the last step began, nil before the first of a run; where the next begins; and whether the last
    ///   step was done by an earlier life.
    mutating func advance(to step: Int, firstSlot: Int) -> (before: Place?, now: Place, isResumed: Bool) {
        let now = place(ofSlot: firstSlot)
        let isResumed = before == nil && step > 0
        let earlier = isResumed ? place(ofSlot: firstSlot - 1) : before
        before = now
        return (earlier, now, isResumed)
    }

    /// What is done before a slot of the run.
    func place(ofSlot slot: Int) -> Place {
        (steps: Int(plan.baseStep(ofSlot: slot)), epochs: slot / plan.slotsPerEpoch)
    }
}
