package import Images
package import Recipe

/// How one sample sees its picture: resized, cropped, and in a mirror or not.
package struct SampleView: Codable, Hashable, Sendable {
    package let resized: PixelSize
    /// The crop's top left corner in the resized picture.
    package let cropX: Int
    package let cropY: Int
    package let bucket: PixelSize
    package let isFlipped: Bool

    /// The middle of a picture, half a pixel to the top left where it is uneven, as it is.
    package init(of picture: Manifest.Picture) {
        self.init(of: picture, cropX: picture.excess.width / 2, cropY: picture.excess.height / 2, isFlipped: false)
    }

    /// A picture as the sample at an address sees it.
    ///
    /// `random_crop` draws the crop's corner, each place alike likely; `flip_aug` mirrors every other sample.
    ///
    /// - Parameter epoch: from 0.
    package init(
        of picture: Manifest.Picture, in subset: TrainingData.Subset, seed: UInt64, epoch: Int, repetition: Int
    ) {
        func stream(_ purpose: CounterRandom.Purpose) -> CounterRandom {
            CounterRandom(
                seed: seed, purpose: purpose, epoch: epoch, picture: picture.index, repetition: repetition)
        }
        var crop = stream(.crop)
        var flip = stream(.flip)
        let excess = picture.excess
        self.init(
            of: picture,
            cropX: subset.randomCrop ? crop.integer(in: 0..<excess.width + 1) : excess.width / 2,
            cropY: subset.randomCrop ? crop.integer(in: 0..<excess.height + 1) : excess.height / 2,
            isFlipped: subset.flipAugmentation && flip.chance(0.5))
    }

    private init(of picture: Manifest.Picture, cropX: Int, cropY: Int, isFlipped: Bool) {
        resized = picture.resized
        bucket = picture.bucket
        self.cropX = cropX
        self.cropY = cropY
        self.isFlipped = isFlipped
    }

    /// What the VAE is shown: planes R, G, B, shape `[3, bucket.height, bucket.width]`, values in [-1, 1].
    ///
    /// - Throws: `ImageError` where the file does not decode.
    package func pixels(of file: PictureFile) throws -> [Float] {
        try image(of: file).planar
    }

    /// What the VAE is shown, as a picture.
    package func image(of file: PictureFile) throws -> PixelImage {
        guard resized.isWithinBounds, bucket.isWithinBounds,
            (0...max(0, resized.width - bucket.width)).contains(cropX), bucket.width <= resized.width,
            (0...max(0, resized.height - bucket.height)).contains(cropY), bucket.height <= resized.height
        else { throw DatasetError.cropOutside(file: file.path, view: self) }
        let part = try file.decoded().resized(to: resized).cropped(x: cropX, y: cropY, to: bucket)
        return isFlipped ? part.flippedHorizontally() : part
    }
}

extension Manifest.Picture {
    /// What cropping takes away.
    fileprivate var excess: PixelSize {
        PixelSize(width: resized.width - bucket.width, height: resized.height - bucket.height)
    }
}
