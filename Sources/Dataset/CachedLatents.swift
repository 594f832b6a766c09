import Crypto

/// What a VAE says of one view of one picture: a normal distribution, of which every epoch draws its own sample.
package struct CachedLatents: Equatable, Sendable {
    /// `[channels, height, width]` of ``mean`` and of ``logVariance``.
    package struct Shape: Hashable, Sendable {
        package let channels: Int
        package let height: Int
        package let width: Int

        package init(channels: Int, height: Int, width: Int) {
            self.channels = channels
            self.height = height
            self.width = width
        }

        package var count: Int { channels * height * width }

        /// More than any VAE makes of the largest picture; keeps a broken file from asking for memory.
        var isWithinBounds: Bool {
            (1...256).contains(channels) && (1...65_536).contains(height) && (1...65_536).contains(width)
                && count <= 1 << 28
        }
    }

    package let shape: Shape
    /// Unscaled: not yet times the VAE's scaling factor.
    package let mean: [Float]
    package let logVariance: [Float]

    /// - Precondition: both lists hold `shape.count` values.
    package init(shape: Shape, mean: [Float], logVariance: [Float]) {
        precondition(mean.count == shape.count && logVariance.count == shape.count)
        self.shape = shape
        self.mean = mean
        self.logVariance = logVariance
    }

    package var isFinite: Bool { mean.allSatisfy(\.isFinite) && logVariance.allSatisfy(\.isFinite) }

    /// Memory that the values take, in bytes.
    package var byteCount: Int { shape.count * 2 * MemoryLayout<Float>.size }
}

extension CachedLatents {
    private static let magic = Array("DANLULAT".utf8)
    private static let version: UInt32 = 1
    private static let headerLength = 8 + 4 * 4

    /// The latents as a file: magic, version and shape, both lists in little-endian fp32, SHA-256 of all that.
    package var encoded: [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(Self.headerLength + byteCount + SHA256.byteCount)
        for number in [Self.version, UInt32(shape.channels), UInt32(shape.height), UInt32(shape.width)] {
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
        for list in [mean, logVariance] {
            list.map(\.bitPattern.littleEndian).withUnsafeBytes { bytes += $0 }
        }
        return bytes + SHA256.hash(data: bytes)
    }

    /// Reads ``encoded``; nil where a byte is wrong, missing or too many, or a value is no number.
    package init?(encoded bytes: [UInt8]) {
        guard bytes.count >= Self.headerLength + SHA256.byteCount, bytes.starts(with: Self.magic) else { return nil }
        let numbers = bytes.withUnsafeBytes { bytes in
            (0..<4).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 + $0 * 4, as: UInt32.self)) }
        }
        let shape = Shape(channels: Int(numbers[1]), height: Int(numbers[2]), width: Int(numbers[3]))
        guard numbers[0] == Self.version, shape.isWithinBounds else { return nil }
        let end = Self.headerLength + shape.count * 8
        guard bytes.count == end + SHA256.byteCount, SHA256.hash(data: bytes[..<end]) == bytes[end...] else {
            return nil
        }
        func list(_ position: Int) -> [Float] {
            bytes.withUnsafeBytes { bytes in
                (0..<shape.count).map { index in
                    let offset = Self.headerLength + (position * shape.count + index) * 4
                    let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                    return Float(bitPattern: UInt32(littleEndian: bits))
                }
            }
        }
        self.init(shape: shape, mean: list(0), logVariance: list(1))
        guard isFinite else { return nil }
    }
}
