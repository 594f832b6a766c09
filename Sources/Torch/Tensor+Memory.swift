import CTorch

/// A Swift value that a tensor over foreign memory keeps alive.
private final class Keeper {
    let value: Any
    init(_ value: Any) { self.value = value }
}

extension Tensor {
    /// A tensor over memory that `owner` keeps; nothing is copied, and the memory is only read.
    package static func over(
        _ memory: UnsafeRawPointer, shape: [Int], type: ScalarType, keeping owner: Any
    ) throws(TorchError) -> Tensor {
        let context = Unmanaged.passRetained(Keeper(owner))
        var error: UnsafeMutablePointer<CChar>?
        let handle = ct_from_memory(
            UnsafeMutableRawPointer(mutating: memory), shape.map(Int64.init), shape.count, type.rawValue,
            { context in
                if let context { Unmanaged<Keeper>.fromOpaque(context).release() }
            }, context.toOpaque(), &error)
        guard let handle else { throw .taking(error, operation: "from_memory", shapes: [shape]) }
        return Tensor(owning: handle)
    }

    /// A tensor with a copy of `values`.
    package static func of(_ values: [Float], shape: [Int]) throws(TorchError) -> Tensor {
        try copy(values, shape: shape, type: .float32)
    }

    /// A tensor with a copy of `values`; `[values.count]` unless a shape is given.
    package static func of(_ values: [Int], shape: [Int]? = nil) throws(TorchError) -> Tensor {
        try copy(values.map(Int64.init), shape: shape ?? [values.count], type: .int64)
    }

    private static func copy<Element>(
        _ values: [Element], shape: [Int], type: ScalarType
    ) throws(TorchError) -> Tensor {
        guard shape.reduce(1, *) == values.count else {
            throw TorchError(operation: "of", shapes: [shape], message: "\(values.count) values do not fill this shape")
        }
        let tensor = try Tensor.empty(shape, type: type)
        values.withUnsafeBytes { source in
            if let base = source.baseAddress { ct_data(tensor.handle)?.copyMemory(from: base, byteCount: source.count) }
        }
        return tensor
    }

    /// Reads the elements in order, as fp32 on the CPU, whatever the tensor's own format and place.
    package func withFloats<Result>(
        _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) throws -> Result {
        let plain = try to(.float32).to(.cpu).contiguous()
        let count = plain.count
        return try withExtendedLifetime(plain) {
            let base = ct_data(plain.handle)?.assumingMemoryBound(to: Float.self)
            return try body(UnsafeBufferPointer(start: base, count: count))
        }
    }

    /// The elements in order, as fp32.
    package func floats() throws -> [Float] { try withFloats(Array.init) }

    /// Writes fp32 elements of a contiguous CPU tensor in place.
    package func withMutableFloats<Result>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
    ) throws -> Result {
        guard try scalarType == .float32, device == .cpu, isContiguous else {
            throw TorchError(
                operation: "withMutableFloats", shapes: [shape], message: "only contiguous fp32 tensors of the CPU")
        }
        let base = ct_data(handle)?.assumingMemoryBound(to: Float.self)
        return try body(UnsafeMutableBufferPointer(start: base, count: count))
    }

    /// Reads the elements of a tensor that is known to be fp32, contiguous and on the CPU, in place.
    ///
    /// - Precondition: that it is.
    package func withContiguousFloats<Result>(
        _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        precondition(
            ct_dtype(handle) == ScalarType.float32.rawValue && device == .cpu && isContiguous,
            "only contiguous fp32 tensors of the CPU are read in place")
        return try withExtendedLifetime(self) {
            try body(UnsafeBufferPointer(start: ct_data(handle)?.assumingMemoryBound(to: Float.self), count: count))
        }
    }

    /// The elements' bytes of a contiguous CPU tensor.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let plain = try to(.cpu).contiguous()
        let bytes = plain.count * (try plain.scalarType.size)
        return try withExtendedLifetime(plain) {
            try body(UnsafeRawBufferPointer(start: ct_data(plain.handle), count: bytes))
        }
    }

    /// The elements of an integer tensor.
    package func integers() throws -> [Int] {
        try to(.int64).withBytes { bytes in bytes.bindMemory(to: Int64.self).map(Int.init) }
    }
}
