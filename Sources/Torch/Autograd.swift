import CTorch
import Glibc

/// Gradients of a one-element `loss` with respect to each of `inputs`; nil where the loss does not depend on it.
package func gradients(of loss: Tensor, withRespectTo inputs: [Tensor]) throws(TorchError) -> [Tensor?] {
    try gradients(of: loss, seed: nil, withRespectTo: inputs)
}

/// The product of `seed`, of `output`'s shape, with the Jacobian of `output` with respect to each of `inputs`.
package func gradients(
    of output: Tensor, seed: Tensor?, withRespectTo inputs: [Tensor]
) throws(TorchError) -> [Tensor?] {
    var error: UnsafeMutablePointer<CChar>?
    var results = [OpaquePointer?](repeating: nil, count: inputs.count)
    let handles = inputs.map { Optional($0.handle) }
    let status = withExtendedLifetime((output, seed, inputs)) {
        ct_grad(output.handle, seed?.handle, handles, handles.count, &results, &error)
    }
    guard status == 0 else { throw .taking(error, operation: "grad", shapes: [output.shape]) }
    return results.map { $0.map(Tensor.init(owning:)) }
}

/// Where a backward pass says what it has found.
private final class Listener {
    let found: (Int, Tensor) throws -> Void
    var failure: (any Error)?

    init(_ found: @escaping (Int, Tensor) throws -> Void) { self.found = found }
}

/// Gradients of a one-element `loss` with respect to each of the leaves, while the backward pass goes on.
///
/// - Parameter found: called once for each leaf that the loss depends on, with its number and its whole gradient, as soon
///   as that is known; from this thread, if all that is computed is computed on the processor.
/// - Throws: `TorchError`, or what `found` threw first, after which it is not called again.
package func gradients(
    of loss: Tensor, withRespectTo leaves: [Tensor], found: (Int, Tensor) throws -> Void
) throws {
    try withoutActuallyEscaping(found) { found in
        let listener = Listener(found)
        let handles = leaves.map { Optional($0.handle) }
        var error: UnsafeMutablePointer<CChar>?
        let status = withExtendedLifetime((loss, leaves, listener)) {
            ct_grad_by_leaf(
                loss.handle, handles, handles.count,
                { context, index, gradient in
                    guard let context, let gradient else { return }
                    let listener = Unmanaged<Listener>.fromOpaque(context).takeUnretainedValue()
                    let tensor = Tensor(owning: gradient)
                    guard listener.failure == nil else { return }
                    do {
                        try listener.found(index, tensor)
                    } catch {
                        listener.failure = error
                    }
                }, Unmanaged.passUnretained(listener).toOpaque(), &error)
        }
        guard status == 0 else { throw TorchError.taking(error, operation: "grad", shapes: [loss.shape]) }
        if let failure = listener.failure { throw failure }
    }
}

/// Runs `body` without recording a tape.
package func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = ct_grad_enabled()
    ct_set_grad_enabled(false)
    defer { ct_set_grad_enabled(before) }
    return try body()
}

/// A closure on its way through C.
private final class CheckpointBody {
    let run: ([Tensor]) throws -> Tensor
    init(_ run: @escaping ([Tensor]) throws -> Tensor) { self.run = run }
}

/// `body(inputs)`, whose intermediate results are computed again for the backward pass instead of being kept.
///
/// - Parameters:
///   - inputs: what gradients flow back to through the result.
///   - parameters: the trained leaves that `body` reaches by itself.
/// - Source: `torch.utils.checkpoint` (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
package func checkpoint(
    _ inputs: [Tensor], parameters: [Tensor], _ body: @escaping ([Tensor]) throws -> Tensor
) throws(TorchError) -> Tensor {
    let context = Unmanaged.passRetained(CheckpointBody(body))
    var error: UnsafeMutablePointer<CChar>?
    let handles = inputs.map { Optional($0.handle) }
    let leaves = parameters.map { Optional($0.handle) }
    let result = withExtendedLifetime((inputs, parameters)) {
        ct_checkpoint(
            { context, inputs, count, message in
                guard let context, let inputs else { return nil }
                let body = Unmanaged<CheckpointBody>.fromOpaque(context).takeUnretainedValue()
                do {
                    let tensors = (0..<count).compactMap {
                        inputs[$0].flatMap { ct_alias($0) }.map(Tensor.init(owning:))
                    }
                    let result = try body.run(tensors)
                    return withExtendedLifetime(result) { ct_alias(result.handle) }
                } catch {
                    message?.pointee = strdup("\(error)")
                    return nil
                }
            },
            { context in
                if let context { Unmanaged<CheckpointBody>.fromOpaque(context).release() }
            }, context.toOpaque(), handles, handles.count, leaves, leaves.count, &error)
    }
    guard let result else { throw .taking(error, operation: "checkpoint", shapes: inputs.map(\.shape)) }
    return Tensor(owning: result)
}
