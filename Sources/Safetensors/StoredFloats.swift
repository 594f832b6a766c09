/// The bytes of `floats` as F64, F32, F16 or BF16, each rounded to nearest, ties to even, as libtorch rounds.
///
/// - Throws: when `type` is another.
package func encode(_ floats: UnsafeBufferPointer<Float>, as type: StoredType) throws(SafetensorsProblem) -> [UInt8] {
    switch type {
    case .float64: pack(floats) { Double($0).bitPattern.littleEndian }
    case .float32: pack(floats) { $0.bitPattern.littleEndian }
    case .float16: pack(floats) { Float16($0).bitPattern.littleEndian }
    case .bfloat16: pack(floats) { bfloat16($0).littleEndian }
    default: throw .cannotWrite(reason: "numbers are not stored as \(type.rawValue) here but as F64, F32, F16 or BF16")
    }
}

/// The upper half of a float, rounded to nearest, ties to even; every NaN becomes the quiet one that libtorch writes.
private func bfloat16(_ float: Float) -> UInt16 {
    let bits = float.bitPattern
    return float.isNaN ? 0x7FC0 : UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}

// Loops over pointers, and not `map`: these run over whole models, in debug builds too.

@inline(__always)
private func pack<Bits: FixedWidthInteger>(
    _ floats: UnsafeBufferPointer<Float>, _ bits: (Float) -> Bits
) -> [UInt8] {
    let size = floats.count * MemoryLayout<Bits>.size
    return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
        bytes.withMemoryRebound(to: Bits.self) { packed in
            var index = 0
            while index < floats.count {
                packed[index] = bits(floats[index])
                index += 1
            }
        }
        count = size
    }
}

extension SafetensorsFile {
    /// The numbers of a tensor stored as F64, F32, F16 or BF16, in row-major order.
    package func floats(of name: String) throws(SafetensorsError) -> [Float] {
        let entry = try entry(name)
        let bytes = bytes(of: entry)
        return switch entry.type {
        case .float64: unpack(bytes) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
        case .float32: unpack(bytes) { Float(bitPattern: UInt32(littleEndian: $0)) }
        case .float16: unpack(bytes) { Float(Float16(bitPattern: UInt16(littleEndian: $0))) }
        case .bfloat16: unpack(bytes) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
        default: throw SafetensorsError(path: path, problem: .notFloats(tensor: name, type: entry.type))
        }
    }
}

@inline(__always)
private func unpack<Bits: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ float: (Bits) -> Float) -> [Float] {
    let size = MemoryLayout<Bits>.size
    let total = bytes.count / size
    return [Float](unsafeUninitializedCapacity: total) { floats, count in
        var index = 0
        while index < total {
            floats[index] = float(bytes.loadUnaligned(fromByteOffset: index * size, as: Bits.self))
            index += 1
        }
        count = total
    }
}
