/// The type of a tensor's elements as a safetensors file stores them.
///
/// The cases stand in the order of the reference implementation's `Dtype`, whose rank decides where a tensor lies in a
/// file: wider alignment first. See <https://github.com/huggingface/safetensors>, `safetensors/src/tensor.rs`.
package enum StoredType: String, Sendable, Hashable, Codable, CaseIterable {
    case bool = "BOOL"
    case float4 = "F4"
    case float6E2M3 = "F6_E2M3"
    case float6E3M2 = "F6_E3M2"
    case uint8 = "U8"
    case int8 = "I8"
    case float8E5M2 = "F8_E5M2"
    case float8E4M3 = "F8_E4M3"
    case float8E8M0 = "F8_E8M0"
    case float8E4M3FNUZ = "F8_E4M3FNUZ"
    case float8E5M2FNUZ = "F8_E5M2FNUZ"
    case int16 = "I16"
    case uint16 = "U16"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int32 = "I32"
    case uint32 = "U32"
    case float32 = "F32"
    case complex64 = "C64"
    case float64 = "F64"
    case int64 = "I64"
    case uint64 = "U64"

    /// The size of one element, in bits; not a whole number of bytes for the packed types.
    package var bitWidth: Int {
        switch self {
        case .float4: 4
        case .float6E2M3, .float6E3M2: 6
        case .bool, .uint8, .int8: 8
        case .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ: 8
        case .int16, .uint16, .float16, .bfloat16: 16
        case .int32, .uint32, .float32: 32
        case .complex64, .float64, .int64, .uint64: 64
        }
    }

    /// The size in bytes of a tensor of `shape`, or nil when it is negative, overflows or does not fill its last byte.
    package func byteCount(shape: [Int]) -> Int? {
        var bits = bitWidth
        for extent in shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: extent)
            guard !overflow, extent >= 0 else { return nil }
            bits = product
        }
        return bits % 8 == 0 ? bits / 8 : nil
    }

    /// The place of the type in the reference implementation's order: a higher rank is stored earlier in a file.
    var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
