import Dataset
import Foundation
import Images
import Recipe
import Testing

@Suite struct `Aspect-ratio buckets` {
    @Test func `of 512×512 are the seventeen of the reference`() throws {
        var dataset = TrainingData.Dataset()
        dataset.enableBucket = true
        let half = [256, 256, 256, 256, 320, 320, 384, 448]
        let other = [832, 896, 960, 1024, 704, 768, 640, 576]
        let sizes = try Buckets(dataset).sizes
        #expect(sizes.count == 17)
        #expect(Set(sizes) == Set(zip(half, other).flatMap { [size($0, $1), size($1, $0)] } + [size(512, 512)]))
    }

    // Expected values are what kohya's own code said (Tests/Fixtures/images/make.py --sd-scripts).
    @Test func `and what goes into them agree with kohya's scripts`() throws {
        let cases = try JSONDecoder().decode(
            [BucketCase].self, from: Data(contentsOf: URL(filePath: fixture("buckets.json"))))
        #expect(cases.count == 6)
        for expected in cases {
            let buckets = try Buckets(expected.dataset)
            if !expected.noUpscale {
                #expect(buckets.sizes == expected.buckets.map { size($0[0], $0[1]) })
            }
            for row in expected.chosen {
                let placement = try buckets.place(size(row[0], row[1]), file: "a.png")
                #expect(placement.bucket == size(row[2], row[3]), "\(row) at \(expected.resolution)")
                #expect(placement.resized == size(row[4], row[5]), "\(row) at \(expected.resolution)")
            }
        }
    }

    @Test func `are one, the resolution, where enable_bucket is off`() throws {
        var dataset = TrainingData.Dataset()
        (dataset.width, dataset.height) = (64, 96)
        let placement = try Buckets(dataset).place(size(200, 100), file: "a.png")
        #expect(placement.bucket == size(64, 96))
        #expect(placement.resized == size(192, 96))
    }

    @Test(arguments: [
        (600, 1024, 64, "min_bucket_reso = 600 must not be above"), (256, 400, 32, "max_bucket_reso = 400 must not be"),
        (256, 1024, 0, "bucket_reso_steps = 0 must be"), (0, 1024, 64, "min_bucket_reso = 0"),
        (256, 1 << 40, 64, "must lie in 1...65500"),
    ])
    func `that contradict themselves are refused with key and value`(
        minimum: Int, maximum: Int, step: Int, reason: String
    ) {
        var dataset = TrainingData.Dataset()
        dataset.enableBucket = true
        dataset.minBucketResolution = minimum
        dataset.maxBucketResolution = maximum
        dataset.bucketResolutionSteps = step
        #expect(sentence { try Buckets(dataset) }.contains(reason))
    }

    @Test func `always cover, whatever the picture's shape`() throws {
        for noUpscale in [false, true] {
            var dataset = TrainingData.Dataset()
            dataset.enableBucket = true
            dataset.bucketNoUpscale = noUpscale
            let buckets = try Buckets(dataset)
            for width in stride(from: 16, to: 9000, by: 371) {
                for height in stride(from: 16, to: 9000, by: 293) {
                    guard let placement = try? buckets.place(size(width, height), file: "a.png") else { continue }
                    #expect(placement.resized.width >= placement.bucket.width)
                    #expect(placement.resized.height >= placement.bucket.height)
                    #expect(placement.bucket.width % 64 == 0 && placement.bucket.height % 64 == 0)
                }
            }
        }
    }

    @Test func `have no place for what is too thin or too small`() throws {
        var dataset = TrainingData.Dataset()
        dataset.enableBucket = true
        let thin = try Buckets(dataset)
        #expect(sentence { try thin.place(size(65_000, 16), file: "thin.png") }.contains("too long and thin"))
        dataset.bucketNoUpscale = true
        let small = try Buckets(dataset)
        #expect(
            sentence { try small.place(size(60, 300), file: "small.png") }
                == "small.png is 60×300 pixels and fits no bucket: "
                + "bucket_no_upscale needs 64 pixels (bucket_reso_steps) a side")
        for extreme in [size(65_000, 40), size(40, 65_000), size(65_000, 1)] {
            #expect(throws: DatasetError.self) { try small.place(extreme, file: "extreme.png") }
        }
    }
}

private func size(_ width: Int, _ height: Int) -> PixelSize { PixelSize(width: width, height: height) }

private struct BucketCase: Decodable {
    let resolution: [Int]
    let minimum: Int
    let maximum: Int
    let step: Int
    let noUpscale: Bool
    let buckets: [[Int]]
    /// Picture, bucket, resized: six numbers.
    let chosen: [[Int]]

    var dataset: TrainingData.Dataset {
        var dataset = TrainingData.Dataset()
        (dataset.width, dataset.height) = (resolution[0], resolution[1])
        dataset.enableBucket = true
        dataset.minBucketResolution = minimum
        dataset.maxBucketResolution = maximum
        dataset.bucketResolutionSteps = step
        dataset.bucketNoUpscale = noUpscale
        return dataset
    }
}
