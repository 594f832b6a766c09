import CTorch

/// Normalization over groups of channels, with what stands around it, in few passes over memory.
///
/// On a processor, in fp32 and bf16, with a frozen weight: two passes forward and two back, over channels that come last, fp32 in
/// between, the same bits whatever the number of threads. Everything else takes libtorch's operators one after the other.
///
/// - Parameters:
///   - x: `[pictures, channels, height, width]` (without `shift` of any number of dimensions).
///   - shift: `[pictures, channels]`, added to x first.
///   - activated: whether SiLU follows.
/// - Returns: what is normed, and x for its other uses, whose gradients are then added in the same pass.
package func groupNorm(
    _ x: Tensor, adding shift: Tensor?, groups: Int, weight: Tensor, bias: Tensor, epsilon: Double, activated: Bool
) throws(TorchError) -> (normed: Tensor, x: Tensor) {
    var error: UnsafeMutablePointer<CChar>?
    var results: [OpaquePointer?] = [nil, nil]
    let status = withExtendedLifetime((x, shift, weight, bias)) {
        ct_group_norm(
            x.handle, weight.handle, bias.handle, shift?.handle, Int64(groups), epsilon, activated, &results, &error)
    }
    guard status == 0, let normed = results[0], let same = results[1] else {
        let shapes = [x.shape, weight.shape] + (shift.map { [$0.shape] } ?? [])
        throw .taking(error, operation: "group_norm", shapes: shapes)
    }
    return (Tensor(owning: normed), Tensor(owning: same))
}

/// The first half of the features times GELU, exact, of the second: x `[…, 2·width]` → `[…, width]`.
///
/// On a processor, in fp32 and bf16, one pass forward and one back, which keeps x alone. Shazeer, "GLU Variants Improve
/// Transformer", 2020, <https://arxiv.org/abs/2002.05202>.
package func geglu(_ x: Tensor) throws(TorchError) -> Tensor {
    var error: UnsafeMutablePointer<CChar>?
    guard let handle = withExtendedLifetime(x, { ct_geglu(x.handle, &error) }) else {
        throw .taking(error, operation: "geglu", shapes: [x.shape])
    }
    return Tensor(owning: handle)
}
