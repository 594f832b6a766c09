/// In which order one epoch sees its samples.
package struct EpochOrder: Equatable, Sendable {
    /// From 0.
    package let epoch: Int
    package let slots: [Slot]

    /// Shuffles each bucket, cuts it into slots, and shuffles the slots, all by `seed` and `epoch` alone.
    package init(epoch: Int, seed: UInt64, buckets: [PlannedBucket]) {
        var slots: [Slot] = []
        for (index, bucket) in buckets.enumerated() {
            var random = CounterRandom(
                seed: seed, purpose: .epochOrder, epoch: epoch, picture: index, repetition: Self.samplesOfBucket)
            let samples = random.shuffled(
                bucket.pictures.flatMap { picture in
                    (0..<picture.repeats).map { SampleAddress(picture: picture.index, repetition: $0) }
                })
            for start in stride(from: 0, to: samples.count, by: bucket.batchSize) {
                let end = min(start + bucket.batchSize, samples.count)
                slots.append(Slot(epoch: epoch, bucket: index, samples: Array(samples[start..<end])))
            }
        }
        var random = CounterRandom(
            seed: seed, purpose: .epochOrder, epoch: epoch, repetition: Self.slotsOfEpoch)
        self.epoch = epoch
        self.slots = random.shuffled(slots)
    }

    // What is ordered stands where a sample's repetition would.
    private static let slotsOfEpoch = 0
    private static let samplesOfBucket = 1
}
