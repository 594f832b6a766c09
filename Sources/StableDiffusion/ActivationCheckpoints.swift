package import Torch

/// Which intermediate results are computed again for the backward pass instead of being kept: those inside a block.
package struct ActivationCheckpoints {
    /// The trained tensors inside a block, by its place in the tree of names, `down_blocks.0.attentions.1`.
    let leaves: (String) -> [Tensor]

    /// - Parameter leaves: the trained tensors whose place begins with the given one.
    package init(leaves: @escaping (String) -> [Tensor]) {
        self.leaves = leaves
    }
}

/// `body(inputs)`, recomputed when gradients are asked for if there are checkpoints.
func recompute(
    _ place: String, _ inputs: [Tensor], _ checkpoints: ActivationCheckpoints?,
    _ body: @escaping ([Tensor]) throws -> Tensor
) throws -> Tensor {
    guard let checkpoints else { return try body(inputs) }
    return try checkpoint(inputs, parameters: checkpoints.leaves(place), body)
}
