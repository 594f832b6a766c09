import CTorch

/// An n-dimensional array of libtorch's.
///
/// Not `Sendable`: tensors alias one another, so one owner uses them all. What crosses threads is bytes.
package final class Tensor {
    let handle: OpaquePointer

    /// Takes over a handle that CTorch gave out.
    init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit { ct_release(handle) }

    /// Extents, outermost first.
    package var shape: [Int] {
        let dimensions = Int(ct_dimensions(handle))
        let extents = [Int64](unsafeUninitializedCapacity: dimensions) { buffer, count in
            if let base = buffer.baseAddress { ct_shape(handle, base) }
            count = dimensions
        }
        return extents.map(Int.init)
    }

    /// Elements in all.
    package var count: Int { shape.reduce(1, *) }

    package var scalarType: ScalarType {
        get throws(TorchError) {
            guard let type = ScalarType(rawValue: ct_dtype(handle)) else {
                throw TorchError(
                    operation: "dtype", shapes: [shape], message: "an element type that Danlu does not use")
            }
            return type
        }
    }

    package var device: Device {
        var index: Int32 = -1
        return ct_device(handle, &index) == 0 ? .cpu : .cuda(Int(index))
    }

    package var isContiguous: Bool { ct_is_contiguous(handle) }

    /// Whether gradients with respect to this tensor can be asked for.
    package var requiresGradient: Bool {
        get { ct_requires_grad(handle) }
        set { ct_set_requires_grad(handle, newValue) }
    }

    /// The value of a one-element tensor; waits for the device.
    package func item() throws(TorchError) -> Double {
        var value = 0.0
        var error: UnsafeMutablePointer<CChar>?
        guard ct_item(handle, &value, &error) == 0 else {
            throw .taking(error, operation: "item", shapes: [shape])
        }
        return value
    }
}
