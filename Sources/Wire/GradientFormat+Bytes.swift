package import Recipe

/// The bytes of a run of floats.
///
/// `fp32` is the floats as they are. `bf16` is the upper two bytes of each, rounded to nearest, ties to even. `int8` is
/// blocks of ``blockCount`` floats, the last one shorter: a scale in fp32, and a signed byte for each float, which is
/// scale × byte. All of it is little-endian.
///
/// What has been rounded once is not changed by being rounded again: a scale has 16 significant bits, so that scale ×
/// byte is exact, and the largest of a block is 127 times its scale.
extension GradientFormat {
    /// Floats with a scale in common.
    package static let blockCount = 256

    package var numberFormat: Header.NumberFormat {
        switch self {
        case .fp32: .float32
        case .bf16: .bfloat16
        case .int8: .blockInt8
        }
    }

    /// Bytes of so many floats.
    package func byteCount(of count: Int) -> Int {
        switch self {
        case .fp32: 4 * count
        case .bf16: 2 * count
        case .int8: count + 4 * ((count + Self.blockCount - 1) / Self.blockCount)
        }
    }

    /// Rounds to what can be written; what is too large or not finite becomes the largest that can.
    ///
    /// - Parameter block: at most ``blockCount`` floats.
    package func round(_ block: UnsafeMutableBufferPointer<Float>) {
        switch self {
        case .fp32: break
        case .bf16: for index in block.indices { block[index] = widened(narrowed(block[index])) }
        case .int8:
            let scale = scale(of: UnsafeBufferPointer(block))
            for index in block.indices { block[index] = Float(code(block[index], scale)) * scale }
        }
    }

    package func encode(_ floats: UnsafeBufferPointer<Float>) -> [UInt8] {
        let byteCount = byteCount(of: floats.count)
        return Array(unsafeUninitializedCapacity: byteCount) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            switch self {
            case .fp32: bytes.copyMemory(from: UnsafeRawBufferPointer(floats))
            case .bf16:
                for index in floats.indices {
                    bytes.storeBytes(of: narrowed(floats[index]).littleEndian, toByteOffset: 2 * index, as: UInt16.self)
                }
            case .int8:
                for (block, start) in blocks(of: floats.count) {
                    let scale = scale(of: UnsafeBufferPointer(rebasing: floats[block]))
                    bytes.storeBytes(of: scale.bitPattern.littleEndian, toByteOffset: start, as: UInt32.self)
                    let codes = start + 4 - block.lowerBound
                    for index in block { bytes[codes + index] = UInt8(bitPattern: code(floats[index], scale)) }
                }
            }
            initialized = byteCount
        }
    }

    /// - Parameter bytes: ``byteCount(of:)`` of the floats' number.
    /// - Throws: ``WireError/payloadLength(said:got:)``, ``WireError/numberBlock(_:)``.
    package func decode(
        _ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>
    ) throws(WireError) {
        let byteCount = byteCount(of: floats.count)
        guard bytes.count == byteCount else { throw .payloadLength(said: byteCount, got: bytes.count) }
        switch self {
        case .fp32: UnsafeMutableRawBufferPointer(floats).copyMemory(from: bytes)
        case .bf16:
            for index in floats.indices {
                let half = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                floats[index] = widened(UInt16(littleEndian: half))
            }
        case .int8:
            for (block, start) in blocks(of: floats.count) {
                let bits = bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)
                let scale = Float(bitPattern: UInt32(littleEndian: bits))
                guard scale.sign == .plus, (127 * scale).isFinite else {
                    throw .numberBlock(block.lowerBound / Self.blockCount)
                }
                let codes = start + 4 - block.lowerBound
                var least = Int8.max
                for index in block {
                    let code = Int8(bitPattern: bytes[codes + index])
                    least = min(least, code)
                    floats[index] = Float(code) * scale
                }
                guard least != .min else { throw .numberBlock(block.lowerBound / Self.blockCount) }
            }
        }
    }
}

/// The blocks of so many floats, and the byte with which each begins.
private func blocks(of count: Int) -> some Sequence<(Range<Int>, Int)> {
    let blockCount = GradientFormat.blockCount
    return stride(from: 0, to: count, by: blockCount).lazy.map { first in
        (first..<min(count, first + blockCount), first + 4 * (first / blockCount))
    }
}

/// The upper half of a float, to nearest, ties to even.
private func narrowed(_ float: Float) -> UInt16 {
    let bits = float.bitPattern
    let magnitude = min(bits & 0x7FFF_FFFF, 0x7F7F_0000)
    return UInt16(truncatingIfNeeded: (bits >> 16) & 0x8000 | (magnitude + 0x7FFF + (magnitude >> 16 & 1)) >> 16)
}

private func widened(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }

/// What 1 stands for in a block; 0 where all of it is nothing, or so small that a 127th of it is not normal.
private func scale(of block: UnsafeBufferPointer<Float>) -> Float {
    var largest: UInt32 = 0
    for float in block { largest = max(largest, float.bitPattern & 0x7FFF_FFFF) }
    let exact = min(Float(bitPattern: largest), .greatestFiniteMagnitude) / 127
    guard exact >= .leastNormalMagnitude else { return 0 }
    let up = Float(bitPattern: (exact.bitPattern + 0xFF) & ~0xFF)
    return (127 * up).isFinite ? up : Float(bitPattern: exact.bitPattern & ~0xFF)
}

/// The whole number nearest to float ÷ scale, ties to even, from −127 to 127; 0 where the scale is.
private func code(_ float: Float, _ scale: Float) -> Int8 {
    guard scale > 0 else { return 0 }
    // Comparisons rather than `minimum` and `maximum`, so that whole vectors are done at once; NaN becomes 127.
    let ratio = float / scale
    let most = ratio < 127 ? ratio : 127
    let bounded = most > -127 ? most : -127
    // A float of this size has no bits behind the point: the sum is rounded, and its low bits are the whole number.
    return Int8(truncatingIfNeeded: (bounded + 0x1.8p23).bitPattern)
}
