package import Torch

/// A change to one layer, trained while the layer itself stays frozen.
///
/// It is handed the frozen weight, so that it can compute both parts in one pass.
package protocol Adaptation: AnyObject {
    /// `x·Wᵀ + b` plus the change; x `[…, inputs]`, W `[outputs, inputs]`.
    func linear(_ x: Tensor, weight: FrozenWeight, bias: Tensor?) throws -> Tensor

    /// The convolution plus the change; x `[batch, inputs, height, width]`, W `[outputs, inputs, kernel, kernel]`.
    func convolution(_ x: Tensor, weight: FrozenWeight, bias: Tensor?, stride: Int, padding: Int) throws -> Tensor
}
