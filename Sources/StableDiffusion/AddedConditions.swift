import Layers
package import Torch

/// What Stable Diffusion XL's UNet is told of a sample beside the text's states.
///
/// diffusers calls them `added_cond_kwargs`. Podell et al., 2023, section 2.2, <https://arxiv.org/abs/2307.01952>.
package struct AddedConditions {
    /// The whole text as one vector: `[batch, width]`; diffusers' `text_embeds`.
    package let text: Tensor
    /// Height and width of the picture before it was resized, top and left of its crop, height and width that are wanted:
    /// `[batch, 6]`; diffusers' `time_ids`.
    package let sizes: Tensor

    package init(text: Tensor, sizes: Tensor) {
        self.text = text
        self.sizes = sizes
    }
}

/// The same, as what is added to the timestep's embedding.
struct AddedEmbedding {
    private let waves: Waves
    private let embedding: TimestepEmbedding

    init(_ weights: Weights, _ added: UNetConfiguration.Added, _ configuration: UNetConfiguration) throws {
        waves = Waves(width: added.waveWidth, configuration)
        embedding = try TimestepEmbedding(weights, inputs: added.width, width: configuration.timeWidth)
    }

    /// → `[batch, timeWidth]`.
    func callAsFunction(_ conditions: AddedConditions, as type: ScalarType) throws -> Tensor {
        let sizes = try waves(conditions.sizes).reshaped([conditions.text.shape[0], -1])
        return try embedding(Tensor.concatenate([conditions.text.to(type), sizes.to(type)], along: 1))
    }
}
