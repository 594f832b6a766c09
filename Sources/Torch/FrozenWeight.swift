import CTorch
import Glibc

/// The matrix of a layer, or the kernel of a convolution, that is never trained.
///
/// It is made when it is first needed. On a processor whose kernels want it, it is then laid out anew for the product and for
/// the product's gradient, and the plain weight is let go. Which layout is kept is a question of memory alone: one that is
/// not kept is made for each product, by the same kernels and to the same bits.
package final class FrozenWeight {
    let handle: OpaquePointer
    /// `[outputs, inputs]`, or `[outputs, inputs, kernel, kernel]`.
    package let shape: [Int]

    /// - Parameters:
    ///   - hasRoom: whether so many bytes more may be kept.
    ///   - make: gives the weight, of `shape`; may be called more than once.
    package init(shape: [Int], hasRoom: @escaping (Int) -> Bool = { _ in true }, make: @escaping () throws -> Tensor) {
        self.shape = shape
        let context = Unmanaged.passRetained(Maker(make: make, hasRoom: hasRoom))
        handle = ct_frozen_weight_create(
            { context, _, _, message in
                guard let context else { return nil }
                do {
                    let tensor = try Unmanaged<Maker>.fromOpaque(context).takeUnretainedValue().make()
                    return withExtendedLifetime(tensor) { ct_alias(tensor.handle) }
                } catch {
                    message?.pointee = strdup("\(error)")
                    return nil
                }
            },
            { context, bytes in
                guard let context else { return false }
                return Unmanaged<Maker>.fromOpaque(context).takeUnretainedValue().hasRoom(Int(bytes))
            },
            { context in
                if let context { Unmanaged<Maker>.fromOpaque(context).release() }
            }, context.toOpaque())
    }

    /// A weight that is there already.
    package convenience init(_ tensor: Tensor) {
        self.init(shape: tensor.shape) { tensor }
    }

    deinit { ct_frozen_weight_release(handle) }

    /// What was made of it, which stays in memory from then on.
    package func plain() throws(TorchError) -> Tensor {
        var error: UnsafeMutablePointer<CChar>?
        return try made(ct_frozen_weight_plain(handle, &error), error, "frozen_weight", [shape])
    }

    /// Closures on their way through C.
    private final class Maker {
        let make: () throws -> Tensor
        let hasRoom: (Int) -> Bool

        init(make: @escaping () throws -> Tensor, hasRoom: @escaping (Int) -> Bool) {
            self.make = make
            self.hasRoom = hasRoom
        }
    }
}

/// `x·Wᵀ + b` with W and b frozen; x `[…, inputs]`, W `[outputs, inputs]`, b `[outputs]`.
package func linear(_ x: Tensor, _ weight: FrozenWeight, _ bias: Tensor? = nil) throws(TorchError) -> Tensor {
    var error: UnsafeMutablePointer<CChar>?
    let handle = withExtendedLifetime((x, weight, bias)) {
        ct_frozen_linear(x.handle, weight.handle, bias?.handle, &error)
    }
    return try made(handle, error, "frozen_linear", [x.shape, weight.shape])
}

/// `x·Wᵀ + b + scale·(x·Aᵀ)·Bᵀ` in one pass, with W and b frozen.
///
/// Same number format and device for x, W and b; A `[rank, inputs]` and B `[outputs, rank]` may be fp32 beside a bf16 base,
/// and their gradients then are fp32. Nothing of the output's size is made besides the output.
package func lowRankLinear(
    _ x: Tensor, _ weight: FrozenWeight, _ bias: Tensor?, down: Tensor, up: Tensor, scale: Double
) throws(TorchError) -> Tensor {
    var error: UnsafeMutablePointer<CChar>?
    let handle = withExtendedLifetime((x, weight, bias, down, up)) {
        ct_low_rank_linear(x.handle, weight.handle, bias?.handle, down.handle, up.handle, scale, &error)
    }
    return try made(handle, error, "low_rank_linear", [x.shape, weight.shape, down.shape, up.shape])
}

/// x `[batch, inputs, height, width]`, W `[outputs, inputs, kernel, kernel]` and b frozen.
package func convolution(
    _ x: Tensor, _ weight: FrozenWeight, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0
) throws(TorchError) -> Tensor {
    var error: UnsafeMutablePointer<CChar>?
    let handle = withExtendedLifetime((x, weight, bias)) {
        ct_frozen_convolution(x.handle, weight.handle, bias?.handle, Int64(stride), Int64(padding), &error)
    }
    return try made(handle, error, "frozen_convolution", [x.shape, weight.shape])
}

private func made(
    _ handle: OpaquePointer?, _ error: UnsafeMutablePointer<CChar>?, _ operation: String, _ shapes: [[Int]]
) throws(TorchError) -> Tensor {
    guard let handle else { throw .taking(error, operation: operation, shapes: shapes) }
    return Tensor(owning: handle)
}
