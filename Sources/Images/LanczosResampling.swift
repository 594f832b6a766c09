import Glibc

/// The source samples that one target sample is made of, along one side.
private struct Taps {
    let first: Int
    /// Weights with ``precision`` bits after the point.
    let weights: [Int32]

    /// Bits after the point, so that a weighted sum of 8-bit samples, overshoot included, fits 32 bits.
    static let precision: Int32 = 32 - 8 - 2

    /// The taps of every target sample: a Lanczos window of three lobes, widened by the scale where the side shrinks.
    static func along(source: Int, target: Int) -> [Taps] {
        let scale = Double(source) / Double(target)
        let stretch = max(scale, 1)
        let support = 3 * stretch
        return (0..<target).map { index in
            let centre = (Double(index) + 0.5) * scale
            let first = max(0, Int(centre - support + 0.5))
            let end = min(source, Int(centre + support + 0.5))
            let values = (first..<end).map { lanczos((Double($0) - centre + 0.5) * (1 / stretch)) }
            let sum = values.reduce(0, +)
            let weights = values.map { value in
                let scaled = (sum == 0 ? value : value / sum) * Double(1 << precision)
                return Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
            }
            return Taps(first: first, weights: weights)
        }
    }

    /// `sinc(x)·sinc(x / 3)` within three lobes.
    private static func lanczos(_ x: Double) -> Double {
        x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
    }

    private static func sinc(_ x: Double) -> Double {
        x == 0 ? 1 : sin(x * .pi) / (x * .pi)
    }
}

extension PixelImage {
    /// Resampling by a Lanczos window of three lobes, first along the rows, then along the columns, both in 8 bits.
    ///
    /// Pillow's `Image.resize(…, Resampling.LANCZOS)` on an 8-bit picture, with its fixed-point weights and the
    /// order that it keeps up to version 12.
    func resampledByLanczos(to target: PixelSize) -> PixelImage {
        var image = self
        if target.width != width { image = image.resampledAlongRows(to: target.width) }
        if target.height != height { image = image.resampledAlongColumns(to: target.height) }
        return image
    }

    private func resampledAlongRows(to target: Int) -> PixelImage {
        let taps = Taps.along(source: width, target: target)
        var result = [UInt8](repeating: 0, count: target * height * 3)
        samples.withUnsafeBufferPointer { samples in
            for y in 0..<height {
                for (x, tap) in taps.enumerated() {
                    let source = (y * width + tap.first) * 3
                    for channel in 0..<3 {
                        result[(y * target + x) * 3 + channel] = weigh(
                            samples, from: source + channel, stride: 3, by: tap.weights)
                    }
                }
            }
        }
        return PixelImage(size: PixelSize(width: target, height: height), samples: result)
    }

    private func resampledAlongColumns(to target: Int) -> PixelImage {
        let taps = Taps.along(source: height, target: target)
        let rowSamples = width * 3
        var result = [UInt8](repeating: 0, count: target * rowSamples)
        samples.withUnsafeBufferPointer { samples in
            for (y, tap) in taps.enumerated() {
                for sample in 0..<rowSamples {
                    result[y * rowSamples + sample] = weigh(
                        samples, from: tap.first * rowSamples + sample, stride: rowSamples, by: tap.weights)
                }
            }
        }
        return PixelImage(size: PixelSize(width: width, height: target), samples: result)
    }
}

private func weigh(_ samples: UnsafeBufferPointer<UInt8>, from first: Int, stride: Int, by weights: [Int32]) -> UInt8 {
    var sum: Int32 = 1 << (Taps.precision - 1)
    var position = first
    for weight in weights {
        sum &+= Int32(samples[position]) &* weight
        position += stride
    }
    return UInt8(min(max(sum >> Taps.precision, 0), 255))
}
