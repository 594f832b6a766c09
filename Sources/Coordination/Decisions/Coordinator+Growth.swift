extension StepPlan {
    /// A batch that grows with the world.
    package struct Growth: Equatable, Sendable {
        /// Slots that each worker adds.
        package var slotsPerWorker: Int
        /// The most slots that the step may have.
        package var limit: Int

        package init(slotsPerWorker: Int, limit: Int) {
            self.slotsPerWorker = slotsPerWorker
            self.limit = limit
        }
    }

    /// The same step for so many workers.
    func settled(for workers: Int) -> StepPlan {
        guard let growth else { return self }
        let (slots, overflow) = growth.slotsPerWorker.multipliedReportingOverflow(by: max(1, workers))
        var plan = self
        plan.slotCount = overflow ? growth.limit : min(slots, growth.limit)
        return plan
    }
}

extension Coordinator {
    /// Settles the size of a step that is about to begin: who comes later takes part from the next one on.
    mutating func settle(for workers: Int) -> [CoordinatorEffect] {
        let settled = round.plan.settled(for: workers)
        var effects: [CoordinatorEffect] = []
        if settled != round.plan {
            round = Round(settled, number: round.number)
            effects.append(beginEffect)
        }
        round.workers = workers
        if let growth = settled.growth, workers != lastWorkers {
            lastWorkers = workers
            effects.append(
                .note(
                    .resized(
                        step: settled.step, workers: workers, slotsPerWorker: growth.slotsPerWorker)))
        }
        return effects
    }
}
