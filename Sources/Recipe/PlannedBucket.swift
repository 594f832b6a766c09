/// The pictures of one dataset that share a size, as the dataset room found them: what the plan is made from.
package struct PlannedBucket: Codable, Equatable, Sendable {
    /// Index into the recipe's datasets.
    package var dataset: Int
    /// In pixels.
    package var width: Int
    package var height: Int
    /// Samples in a slot of this bucket.
    package var batchSize: Int
    package var pictures: [PlannedPicture]

    package init(dataset: Int, width: Int, height: Int, batchSize: Int, pictures: [PlannedPicture]) {
        self.dataset = dataset
        self.width = width
        self.height = height
        self.batchSize = batchSize
        self.pictures = pictures
    }

    /// What an epoch sees of this bucket: each picture `repeats` times.
    package var samplesPerEpoch: Int { pictures.reduce(0) { $0 + $1.repeats } }
    /// Slots an epoch cuts this bucket into; the last one may be short.
    package var slotsPerEpoch: Int { (samplesPerEpoch + batchSize - 1) / batchSize }
}

/// One picture of a bucket.
package struct PlannedPicture: Codable, Equatable, Sendable {
    /// The picture's index in the run's manifest: its address in every random draw.
    package var index: Int
    /// How often an epoch sees it.
    package var repeats: Int

    package init(index: Int, repeats: Int) {
        self.index = index
        self.repeats = repeats
    }
}

/// One sample of an epoch: a picture, and which of its repeats.
package struct SampleAddress: Codable, Hashable, Sendable {
    package var picture: Int
    package var repetition: Int

    package init(picture: Int, repetition: Int) {
        self.picture = picture
        self.repetition = repetition
    }
}

/// One micro-batch of a step: samples of one bucket, whoever computes them.
package struct Slot: Codable, Hashable, Sendable {
    /// From 0.
    package var epoch: Int
    /// Index into the plan's buckets.
    package var bucket: Int
    package var samples: [SampleAddress]

    package init(epoch: Int, bucket: Int, samples: [SampleAddress]) {
        self.epoch = epoch
        self.bucket = bucket
        self.samples = samples
    }
}
