import CVectors
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
        case .bf16: vectors_round_to_bfloat16(block.baseAddress, block.count)
        case .int8:
            let scale = vectors_scale(block.baseAddress, block.count)
            vectors_round_to_bytes(block.baseAddress, scale, block.count)
        }
    }

    package func encode(_ floats: UnsafeBufferPointer<Float>) -> [UInt8] {
        let byteCount = byteCount(of: floats.count)
        return Array(unsafeUninitializedCapacity: byteCount) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            encode(floats, into: bytes)
            initialized = byteCount
        }
    }

    /// - Parameter bytes: ``byteCount(of:)`` of the floats' number.
    package func encode(_ floats: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count == byteCount(of: floats.count))
        switch self {
        case .fp32: bytes.copyMemory(from: UnsafeRawBufferPointer(floats))
        case .bf16: vectors_narrow(floats.baseAddress, bytes.baseAddress, floats.count)
        case .int8:
            for (block, start) in blocks(of: floats.count) {
                let numbers = UnsafeBufferPointer(rebasing: floats[block])
                let scale = vectors_scale(numbers.baseAddress, numbers.count)
                bytes.storeBytes(of: scale.bitPattern.littleEndian, toByteOffset: start, as: UInt32.self)
                let codes = UnsafeMutableRawBufferPointer(rebasing: bytes[(start + 4)...])
                vectors_to_bytes(numbers.baseAddress, scale, codes.baseAddress, numbers.count)
            }
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
            vectors_widen(bytes.baseAddress, floats.baseAddress, floats.count)
        case .int8:
            for (block, start) in blocks(of: floats.count) {
                let bits = bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)
                let scale = Float(bitPattern: UInt32(littleEndian: bits))
                guard scale.sign == .plus, (127 * scale).isFinite else {
                    throw .numberBlock(block.lowerBound / Self.blockCount)
                }
                let numbers = UnsafeMutableBufferPointer(rebasing: floats[block])
                let codes = UnsafeRawBufferPointer(rebasing: bytes[(start + 4)...])
                let least = vectors_from_bytes(codes.baseAddress, scale, numbers.baseAddress, numbers.count)
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
