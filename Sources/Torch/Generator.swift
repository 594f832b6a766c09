import CTorch

/// A stream of libtorch's random numbers (`torch.Generator().manual_seed(seed)`).
package final class Generator {
    let handle: OpaquePointer

    package init(seed: UInt64, device: Device = .cpu) throws(TorchError) {
        var error: UnsafeMutablePointer<CChar>?
        let handle =
            switch device {
            case .cpu: ct_generator_create(0, -1, seed, &error)
            case .cuda(let index): ct_generator_create(1, Int32(index), seed, &error)
            }
        guard let handle else { throw .taking(error, operation: "generator") }
        self.handle = handle
    }

    deinit { ct_generator_release(handle) }
}
