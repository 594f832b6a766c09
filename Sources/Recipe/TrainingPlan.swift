import Synchronization

/// Epochs → steps → slots → samples, as a pure function of the recipe and the pictures that were found.
///
/// Nothing in it depends on who computes. Per epoch every picture is seen `repeats` times; each bucket is shuffled and
/// cut into slots of its batch size, the last of which may be short; the slots of all buckets are shuffled together; a
/// step takes the next S of them, and the last step of an epoch what is left. (kohya: `TU.shuffle_buckets`, one slot per
/// item of the data loader; accelerate ends an epoch with a short accumulation in the same way.)
package struct TrainingPlan: Sendable {
    /// More samples in an epoch than this are refused: the order of an epoch is held in memory.
    package static let maximumSamplesPerEpoch = 100_000_000

    package let buckets: [PlannedBucket]
    package let seed: UInt64
    /// S, the slots of a full step; where the batch grows with the world, those of a worker alone.
    package let slotsPerStep: Int
    package let slotsPerEpoch: Int
    package let samplesPerEpoch: Int
    package let stepsPerEpoch: Int
    /// `max_train_epochs` whole epochs, or else `max_train_steps`; where the batch grows with the world, the steps that a
    /// worker alone would take.
    package let totalSteps: Int
    private let latest = LatestEpoch()

    package init(recipe: Recipe, buckets: [PlannedBucket]) throws(TrainingPlanError) {
        try TrainingPlanError.check(buckets)
        self.buckets = buckets
        seed = recipe.run.seed
        slotsPerStep = recipe.batch.slotsPerStep
        guard slotsPerStep > 0 else { throw .noSlots }
        slotsPerEpoch = buckets.reduce(0) { $0 + $1.slotsPerEpoch }
        samplesPerEpoch = buckets.reduce(0) { $0 + $1.samplesPerEpoch }
        stepsPerEpoch = (slotsPerEpoch - 1) / slotsPerStep + 1
        if let epochs = recipe.run.maxTrainEpochs {
            let (product, overflow) = stepsPerEpoch.multipliedReportingOverflow(by: epochs)
            guard !overflow, product > 0 else { throw .noSteps(key: "max_train_epochs", value: epochs) }
            totalSteps = product
        } else {
            totalSteps = recipe.run.maxTrainSteps
            guard totalSteps > 0 else { throw .noSteps(key: "max_train_steps", value: totalSteps) }
        }
    }

    /// Epochs that the steps reach into; the last may be seen in part.
    package var epochs: Int { (totalSteps - 1) / stepsPerEpoch + 1 }

    /// The epoch, from 0, that `step`, from 0, belongs to.
    package func epoch(of step: Int) -> Int { step / stepsPerEpoch }

    /// True for the last step of an epoch: when an epoch's file is saved.
    package func endsEpoch(_ step: Int) -> Bool { (step + 1) % stepsPerEpoch == 0 }

    /// Where in its epoch's slots `step` begins: kohya's index of the micro-step.
    package func firstSlot(of step: Int) -> Int { (step % stepsPerEpoch) * slotsPerStep }

    /// How many slots `step` has: S, or fewer at an epoch's end.
    package func slotCount(of step: Int) -> Int { min(slotsPerStep, slotsPerEpoch - firstSlot(of: step)) }

    /// The slots of `step`, from 0; the epoch last asked for is remembered.
    package func slots(of step: Int) -> [Slot] {
        let epoch = epoch(of: step)
        let first = firstSlot(of: step)
        return Array(order(of: epoch).slots[first..<(first + slotCount(of: step))])
    }

    /// Every slot of an epoch, in order.
    package func order(of epoch: Int) -> EpochOrder {
        latest.order(of: epoch) { EpochOrder(epoch: epoch, seed: seed, buckets: buckets) }
    }

    /// Samples in an average step.
    package var meanSamplesPerStep: Double { Double(samplesPerEpoch) / Double(stepsPerEpoch) }

    /// Slots that an epoch's last step lacks; 0 when the steps divide the epoch.
    package var slotsMissingAtEpochEnd: Int { stepsPerEpoch * slotsPerStep - slotsPerEpoch }
}

/// The epoch last asked for, so that its steps need not shuffle it again.
private final class LatestEpoch: Sendable {
    private let latest = Mutex<EpochOrder?>(nil)

    func order(of epoch: Int, make: () -> EpochOrder) -> EpochOrder {
        if let order = latest.withLock({ $0 }), order.epoch == epoch { return order }
        let order = make()
        latest.withLock { $0 = order }
        return order
    }
}
