import Layers
package import Torch

/// A trainable low-rank change to one frozen layer: `ΔW = (α / rank)·B·A`.
///
/// Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, section 4.1,
/// <https://arxiv.org/abs/2106.09685>. Of a convolution, A has the kernel and B is 1×1, as in kohya's `LoRAModule`.
package final class LowRankAdapter: Adaptation {
    /// A as a matrix, `[rank, inputs · kernel²]`.
    package let down: Tensor
    /// B, `[outputs, rank]`, zero at first, so that training starts from the base model.
    package let up: Tensor
    /// `α / rank`.
    package let scale: Double
    /// How much of the change is made; 0 gives the frozen layer, bit for bit.
    package var multiplier = 1.0

    package init(down: Tensor, up: Tensor, scale: Double) {
        self.down = down
        self.up = up
        self.scale = scale
    }

    package func linear(_ x: Tensor, weight: FrozenWeight, bias: Tensor?) throws -> Tensor {
        if multiplier == 0 { return try Torch.linear(x, weight, bias) }
        return try lowRankLinear(x, weight, bias, down: down, up: up, scale: scale * multiplier)
    }

    package func convolution(
        _ x: Tensor, weight: FrozenWeight, bias: Tensor?, stride: Int, padding: Int
    ) throws -> Tensor {
        let frozen = try Torch.convolution(x, weight, bias, stride: stride, padding: padding)
        if multiplier == 0 { return frozen }
        let kernel = weight.shape.dropFirst()
        let type = try x.scalarType
        let first = try down.to(type).reshaped([down.shape[0]] + kernel)
        let second = try up.to(type).reshaped(up.shape + [1, 1])
        let hidden = try Torch.convolution(x, first, nil, stride: stride, padding: padding)
        return try frozen + Torch.convolution(hidden, second) * (scale * multiplier)
    }

    /// `multiplier·(α / rank)·B·A` in fp32, in the shape of the weight it is added to.
    package func change(shape: [Int]) throws -> Tensor {
        try (matrixProduct(up.to(.float32), down.to(.float32)) * (scale * multiplier)).reshaped(shape)
    }

    /// The weight of a layer that does by itself what the frozen one and this do together; computed in fp32.
    package func merged(into weight: Tensor) throws -> Tensor {
        let type = try weight.scalarType
        return try (weight.to(.float32) + change(shape: weight.shape)).to(type)
    }

    /// Several changes to one layer as a single one, whose rank is the sum of theirs.
    ///
    /// `Σ wᵢ·sᵢ·Bᵢ·Aᵢ = [w₁s₁B₁ w₂s₂B₂ …]·[A₁; A₂; …]`, where a multiplier counts as part of the scale.
    package static func stacked(_ adapters: [(adapter: LowRankAdapter, weight: Double)]) throws -> LowRankAdapter {
        if adapters.count == 1, let (adapter, weight) = adapters.first {
            return LowRankAdapter(
                down: adapter.down, up: adapter.up, scale: adapter.scale * adapter.multiplier * weight)
        }
        let ups = try adapters.map { adapter, weight in
            try adapter.up * (adapter.scale * adapter.multiplier * weight)
        }
        return LowRankAdapter(
            down: try Tensor.concatenate(adapters.map(\.adapter.down), along: 0),
            up: try Tensor.concatenate(ups, along: 1), scale: 1)
    }
}
