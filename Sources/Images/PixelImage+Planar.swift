extension PixelImage {
    /// What a VAE takes: planes R, G, B one after the other, shape `[3, height, width]`, values in [-1, 1].
    ///
    /// `(x / 255 − 0.5) / 0.5`, torchvision's `ToTensor` and `Normalize([0.5], [0.5])`.
    package var planar: [Float] {
        let pixels = width * height
        return [Float](unsafeUninitializedCapacity: pixels * 3) { planes, count in
            samples.withUnsafeBufferPointer { samples in
                for pixel in 0..<pixels {
                    for channel in 0..<3 {
                        planes[channel * pixels + pixel] = Self.normalized[Int(samples[pixel * 3 + channel])]
                    }
                }
            }
            count = pixels * 3
        }
    }

    /// What a VAE gives, seen: values outside [-1, 1] are clamped, and one that is not a number is black.
    ///
    /// - Precondition: `planar` has shape `[3, size.height, size.width]`.
    package init(planar: [Float], size: PixelSize) {
        let pixels = size.width * size.height
        precondition(planar.count == pixels * 3)
        var samples = [UInt8](repeating: 0, count: pixels * 3)
        for channel in 0..<3 {
            for pixel in 0..<pixels {
                let value = planar[channel * pixels + pixel]
                let unit = value.isNaN ? 0 : min(max(value / 2 + 0.5, 0), 1)
                samples[pixel * 3 + channel] = UInt8((unit * 255).rounded(.toNearestOrEven))
            }
        }
        self.init(size: size, samples: samples)
    }

    private static let normalized: [Float] = (0...255).map { (Float($0) / 255 - 0.5) / 0.5 }
}
