/// The bytes of `floats` as `type`, each rounded to nearest, ties to even, as libtorch rounds.
///
/// - Precondition: `type` is F64, F32, F16 or BF16.
package func encode(_ floats: UnsafeBufferPointer<Float>, as type: StoredType) -> [UInt8] {
    switch type {
    case .float64: bytes(floats) { Double($0).bitPattern.littleEndian }
    case .float16: bytes(floats) { Float16($0).bitPattern.littleEndian }
    case .bfloat16: bytes(floats) { bfloat16($0).littleEndian }
    case .float32: bytes(floats) { $0.bitPattern.littleEndian }
    default: preconditionFailure("floats cannot be stored as \(type.rawValue)")
    }
}

/// The upper half of a float, rounded to nearest, ties to even; every NaN becomes the quiet one that libtorch writes.
private func bfloat16(_ float: Float) -> UInt16 {
    guard !float.isNaN else { return 0x7FC0 }
    let bits = float.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}

private func bytes<Bits: FixedWidthInteger>(_ floats: UnsafeBufferPointer<Float>, _ bits: (Float) -> Bits) -> [UInt8] {
    let size = MemoryLayout<Bits>.size
    return [UInt8](unsafeUninitializedCapacity: floats.count * size) { buffer, count in
        let raw = UnsafeMutableRawBufferPointer(buffer)
        for (index, float) in floats.enumerated() {
            raw.storeBytes(of: bits(float), toByteOffset: index * size, as: Bits.self)
        }
        count = floats.count * size
    }
}

extension SafetensorsFile {
    /// The numbers of a tensor stored as F64, F32, F16 or BF16, in row-major order.
    package func floats(of name: String) throws(SafetensorsError) -> [Float] {
        let entry = try entry(name)
        let bytes = bytes(of: entry)
        return switch entry.type {
        case .float64: read(bytes) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
        case .float32: read(bytes) { Float(bitPattern: UInt32(littleEndian: $0)) }
        case .float16: read(bytes) { Float(Float16(bitPattern: UInt16(littleEndian: $0))) }
        case .bfloat16: read(bytes) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
        default: throw SafetensorsError(path: path, problem: .notFloats(tensor: name, type: entry.type))
        }
    }
}

private func read<Bits: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ float: (Bits) -> Float) -> [Float] {
    let size = MemoryLayout<Bits>.size
    return (0..<bytes.count / size).map { float(bytes.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self)) }
}
