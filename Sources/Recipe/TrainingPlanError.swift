/// Why no plan can be made from the pictures that were found.
package enum TrainingPlanError: Error, Equatable, CustomStringConvertible {
    case noPictures
    case noSlots
    case noSteps(key: String, value: Int)
    case batchSize(bucket: String, Int)
    case repeats(picture: Int, Int)
    case pictureIndex(Int)
    case pictureTwice(Int)
    case tooManySamples(Int)

    package var description: String {
        switch self {
        case .noPictures:
            "There is nothing to train on: no picture was found; check image_dir or train_data_dir."
        case .noSlots:
            "gradient_accumulation_steps must be at least 1."
        case .noSteps(let key, let value):
            "\(key) = \(value) makes no step; give at least 1 (and not so many that they cannot be counted)."
        case .batchSize(let bucket, let value):
            "The batch size of bucket \(bucket) is \(value); it must be at least 1: check batch_size."
        case .repeats(let picture, let value):
            "Picture \(picture) would be seen \(value) times in an epoch; num_repeats must be at least 1."
        case .pictureIndex(let index):
            "Picture index \(index) lies outside 0..<\(UInt32.max); no run can hold so many pictures."
        case .pictureTwice(let index):
            "Picture \(index) stands twice in the plan; each picture belongs to one bucket, once."
        case .tooManySamples(let count):
            "An epoch of \(count) samples is more than the \(TrainingPlan.maximumSamplesPerEpoch) that can be planned; lower num_repeats."
        }
    }

    static func check(_ buckets: [PlannedBucket]) throws(TrainingPlanError) {
        var seen = Set<Int>()
        var samples = 0
        for bucket in buckets {
            guard bucket.batchSize > 0 else {
                throw .batchSize(bucket: "\(bucket.width)×\(bucket.height)", bucket.batchSize)
            }
            for picture in bucket.pictures {
                guard (0..<Int(UInt32.max)).contains(picture.index) else { throw .pictureIndex(picture.index) }
                guard picture.repeats > 0 else { throw .repeats(picture: picture.index, picture.repeats) }
                guard seen.insert(picture.index).inserted else { throw .pictureTwice(picture.index) }
                let (sum, overflow) = samples.addingReportingOverflow(picture.repeats)
                guard !overflow, sum <= TrainingPlan.maximumSamplesPerEpoch else {
                    throw .tooManySamples(overflow ? .max : sum)
                }
                samples = sum
            }
        }
        guard samples > 0 else { throw .noPictures }
    }
}
