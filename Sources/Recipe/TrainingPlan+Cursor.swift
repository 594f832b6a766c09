/// The run as one row of slots, epoch after epoch: where a step begins is a place in it, whatever the steps' sizes.
///
/// A *base step* is the step of one worker; under the fixed policy every step is one. Where the batch grows with the
/// world, the schedule and `max_train_steps` are counted in base steps, which is to say in samples.
extension TrainingPlan {
    /// Slots of the whole run.
    package var totalSlots: Int { firstSlotOfRun(step: totalSteps) }

    /// The place in the run at which `step` begins, when all steps are base steps.
    package func firstSlotOfRun(step: Int) -> Int { epoch(of: step) * slotsPerEpoch + firstSlot(of: step) }

    /// The slot at a place in the run, from 0.
    package func slot(ofRun number: Int) -> Slot {
        order(of: number / slotsPerEpoch).slots[number % slotsPerEpoch]
    }

    /// The epoch, from 0, that a place in the run belongs to.
    package func epoch(ofSlot number: Int) -> Int { number / slotsPerEpoch }

    /// The most slots that a step may have that begins at a place in the run: no step crosses an epoch's end.
    package func slotsLeft(from number: Int) -> Int {
        min(slotsPerEpoch - number % slotsPerEpoch, totalSlots - number)
    }

    /// How many base steps' samples lie before a place in the run; whole where a base step begins.
    package func baseStep(ofSlot number: Int) -> Double {
        Double(number / slotsPerEpoch * stepsPerEpoch) + Double(number % slotsPerEpoch) / Double(slotsPerStep)
    }

    /// Steps that so many workers take from a place in the run to its end, each computing a base step's slots.
    package func steps(from number: Int = 0, workers: Int) -> Int {
        let size = slotsPerStep * max(1, workers)
        func steps(_ slots: Int) -> Int { (slots + size - 1) / size }
        let left = max(0, totalSlots - number)
        let here = min(left, slotsPerEpoch - number % slotsPerEpoch)
        let later = left - here
        return steps(here) + later / slotsPerEpoch * steps(slotsPerEpoch) + steps(later % slotsPerEpoch)
    }
}
