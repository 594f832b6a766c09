package import Images
package import Recipe

/// The sizes that a dataset's pictures are brought to, so that pictures of one shape can share a batch.
package struct Buckets: Equatable, Sendable {
    /// Where a picture goes: it is resized to cover its bucket, and what sticks out is cropped.
    package struct Placement: Codable, Hashable, Sendable {
        package let bucket: PixelSize
        /// At least as large as the bucket on both sides.
        package let resized: PixelSize
    }

    /// The sizes to choose from, in rising order; none where `bucket_no_upscale` makes a bucket for each shape.
    package let sizes: [PixelSize]
    private let resolution: PixelSize
    private let step: Int

    /// Buckets as a dataset's settings ask for; without `enable_bucket` there is one, the resolution itself.
    ///
    /// As kohya's scripts do, `min_bucket_reso` is lowered and `max_bucket_reso` raised to multiples of the step.
    ///
    /// - Throws: ``DatasetError/buckets(_:)``.
    package init(_ dataset: TrainingData.Dataset) throws(DatasetError) {
        resolution = PixelSize(width: dataset.width, height: dataset.height)
        step = dataset.bucketResolutionSteps
        guard resolution.isWithinBounds else {
            throw .buckets("resolution = \(resolution) must lie between 1 and \(PixelSize.maximumSide) pixels a side")
        }
        guard dataset.enableBucket else {
            sizes = [resolution]
            return
        }
        guard (1...PixelSize.maximumSide).contains(step) else {
            throw .buckets("bucket_reso_steps = \(step) must be at least 1")
        }
        guard dataset.minBucketResolution >= 1, dataset.maxBucketResolution <= PixelSize.maximumSide else {
            throw .buckets(
                "min_bucket_reso = \(dataset.minBucketResolution) and max_bucket_reso = \(dataset.maxBucketResolution) "
                    + "must lie in 1...\(PixelSize.maximumSide)")
        }
        let minimum = max(step, dataset.minBucketResolution / step * step)
        let maximum = (dataset.maxBucketResolution + step - 1) / step * step
        guard minimum <= min(dataset.width, dataset.height) else {
            throw .buckets(
                "min_bucket_reso = \(dataset.minBucketResolution) must not be above the resolution \(resolution)")
        }
        guard maximum >= max(dataset.width, dataset.height) else {
            throw .buckets(
                "max_bucket_reso = \(dataset.maxBucketResolution) must not be below the resolution \(resolution)")
        }
        sizes =
            dataset.bucketNoUpscale
            ? [] : Self.sizes(resolution: resolution, minimum: minimum, maximum: maximum, step: step)
    }

    /// All sizes with sides that are multiples of `step`, in `minimum...maximum`, and an area that is at most that of
    /// `resolution` and as large as that allows; and the largest such square.
    ///
    /// kohya's `library/model_util.py`, `make_bucket_resolutions`.
    package static func sizes(resolution: PixelSize, minimum: Int, maximum: Int, step: Int) -> [PixelSize] {
        let area = resolution.width * resolution.height
        let square = Int(Double(area).squareRoot()) / step * step
        var sizes: Set = [PixelSize(width: square, height: square)]
        for width in stride(from: minimum, through: maximum, by: step) {
            let height = min(maximum, area / width / step * step)
            guard height >= minimum else { continue }
            sizes.insert(PixelSize(width: width, height: height))
            sizes.insert(PixelSize(width: height, height: width))
        }
        return sizes.sorted { ($0.width, $0.height) < ($1.width, $1.height) }
    }

    /// The bucket for a picture of a size, and what the picture is resized to.
    ///
    /// kohya's `library/train_util.py`, `BucketManager.select_bucket`.
    ///
    /// - Parameter file: named where no bucket can be had: the picture is too small for one step of
    ///   `bucket_no_upscale`, or so long that covering a bucket would take more pixels than are ever decoded.
    package func place(_ size: PixelSize, file: String) throws(DatasetError) -> Placement {
        let placement = sizes.isEmpty ? shrunk(size) : covering(size)
        guard placement.bucket.width > 0, placement.bucket.height > 0 else {
            throw .fitsNoBucket(
                file: file, size: size, reason: "bucket_no_upscale needs \(step) pixels (bucket_reso_steps) a side")
        }
        guard placement.resized.isWithinBounds else {
            throw .fitsNoBucket(
                file: file, size: size, reason: "it is too long and thin for \(placement.bucket); crop it")
        }
        return placement
    }

    /// The bucket nearest in shape, and the picture scaled, up or down, until it covers it.
    private func covering(_ size: PixelSize) -> Placement {
        let shape = size.aspectRatio
        let bucket =
            sizes.contains(size)
            ? size : sizes.min { abs($0.aspectRatio - shape) < abs($1.aspectRatio - shape) } ?? resolution
        let scale =
            shape > bucket.aspectRatio
            ? Double(bucket.height) / Double(size.height) : Double(bucket.width) / Double(size.width)
        return Placement(
            bucket: bucket,
            resized: PixelSize(
                width: Int(Double(size.width) * scale + 0.5), height: Int(Double(size.height) * scale + 0.5)))
    }

    /// The picture scaled down to the resolution's area, never up, and a bucket of its own: whole steps of that.
    private func shrunk(_ size: PixelSize) -> Placement {
        var resized = size
        let area = resolution.width * resolution.height
        if size.width * size.height > area {
            let shape = size.aspectRatio
            let idealWidth = (Double(area) * shape).squareRoot()
            let width = wholeSteps(idealWidth)
            let height = wholeSteps(Double(area) / idealWidth)
            let widthError = abs(Double(width) / Double(wholeSteps(Double(width) / shape)) - shape)
            let heightError = abs(Double(wholeSteps(Double(height) * shape)) / Double(height) - shape)
            // A side without a whole step gives no shape, and so an error that is infinite or no number.
            resized =
                widthError < heightError || height == 0
                ? PixelSize(width: width, height: Int(Double(width) / shape + 0.5))
                : PixelSize(width: Int(Double(height) * shape + 0.5), height: height)
        }
        return Placement(
            bucket: PixelSize(width: resized.width / step * step, height: resized.height / step * step),
            resized: resized)
    }

    private func wholeSteps(_ length: Double) -> Int {
        Int(length + 0.5) / step * step
    }
}

extension PixelSize {
    fileprivate var aspectRatio: Double { Double(width) / Double(height) }
}
