/// A decoded picture: 8-bit sRGB, three samples a pixel, row by row from the top left.
package struct PixelImage: Equatable, Sendable {
    package let size: PixelSize
    /// `width * height * 3` samples in the order R, G, B.
    package var samples: [UInt8]

    package var width: Int { size.width }
    package var height: Int { size.height }

    /// - Precondition: `samples` holds `size.width * size.height * 3` values.
    package init(size: PixelSize, samples: [UInt8]) {
        precondition(size.width > 0 && size.height > 0 && samples.count == size.width * size.height * 3)
        self.size = size
        self.samples = samples
    }

    /// One colour everywhere.
    package init(size: PixelSize, red: UInt8, green: UInt8, blue: UInt8) {
        var samples = [UInt8](repeating: red, count: size.width * size.height * 3)
        if green != red || blue != red {
            for pixel in 0..<(size.width * size.height) {
                samples[pixel * 3 + 1] = green
                samples[pixel * 3 + 2] = blue
            }
        }
        self.init(size: size, samples: samples)
    }

    /// The red, green and blue of one pixel.
    package subscript(x: Int, y: Int) -> [UInt8] {
        let first = (y * width + x) * 3
        return Array(samples[first..<first + 3])
    }

    /// The part of the picture whose top left corner is at `(x, y)`.
    ///
    /// - Precondition: the part lies inside the picture.
    package func cropped(x: Int, y: Int, to part: PixelSize) -> PixelImage {
        precondition(x >= 0 && y >= 0 && x + part.width <= width && y + part.height <= height)
        if part == size { return self }
        var cropped: [UInt8] = []
        cropped.reserveCapacity(part.width * part.height * 3)
        for row in y..<y + part.height {
            let first = (row * width + x) * 3
            cropped += samples[first..<first + part.width * 3]
        }
        return PixelImage(size: part, samples: cropped)
    }

    /// The picture in a mirror: left is right.
    package func flippedHorizontally() -> PixelImage {
        var flipped = samples
        let width = self.width
        flipped.withUnsafeMutableBufferPointer { flipped in
            for row in 0..<height {
                var left = row * width * 3
                var right = left + (width - 1) * 3
                while left < right {
                    for channel in 0..<3 { flipped.swapAt(left + channel, right + channel) }
                    left += 3
                    right -= 3
                }
            }
        }
        return PixelImage(size: size, samples: flipped)
    }

    /// Lays `other` over this picture, its top left corner at `(x, y)`; what does not fit is left out.
    package mutating func paste(_ other: PixelImage, x: Int, y: Int) {
        let left = max(0, -x)
        let count = min(other.width, width - x) - left
        let top = max(0, -y)
        let bottom = min(other.height, height - y)
        guard count > 0, top < bottom else { return }
        for row in top..<bottom {
            let source = (row * other.width + left) * 3
            let target = ((y + row) * width + x + left) * 3
            samples.replaceSubrange(target..<target + count * 3, with: other.samples[source..<source + count * 3])
        }
    }
}
