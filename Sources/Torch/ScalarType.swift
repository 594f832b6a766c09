/// The number format of a tensor's elements; raw values are libtorch's `c10::ScalarType`.
package enum ScalarType: Int32, Sendable, Equatable, CaseIterable {
    case uint8 = 0
    case int8 = 1
    case int16 = 2
    case int32 = 3
    case int64 = 4
    case float16 = 5
    case float32 = 6
    case float64 = 7
    case bool = 11
    case bfloat16 = 15
    case float8e5m2 = 23
    case float8e4m3 = 24

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .uint8, .int8, .bool, .float8e5m2, .float8e4m3: 1
        case .int16, .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }
}
