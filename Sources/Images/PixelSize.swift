/// Width and height in pixels.
package struct PixelSize: Codable, Hashable, Sendable, CustomStringConvertible {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// As in `640×384`.
    package var description: String { "\(width)×\(height)" }

    /// The longest side that is decoded, which is also JPEG's own limit.
    package static let maximumSide = 65_500
    /// The most pixels that are decoded; 2²⁸, 805 MB in RGB.
    package static let maximumArea = 1 << 28
    /// The shortest side that is worth learning from.
    package static let minimumSide = 16

    /// Whether a picture of this size may be taken into memory.
    package var isWithinBounds: Bool {
        (1...Self.maximumSide).contains(width) && (1...Self.maximumSide).contains(height)
            && width * height <= Self.maximumArea
    }
}
