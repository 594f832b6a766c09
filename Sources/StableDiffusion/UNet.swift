package import Layers
package import Torch

/// The network that is asked, of noisy latents, a time and a text, what the noise is.
///
/// Agrees with diffusers' `UNet2DConditionModel` as Stable Diffusion 1.x, 2.x and XL use it. Rombach et al., 2022,
/// <https://arxiv.org/abs/2112.10752>; Podell et al., 2023, <https://arxiv.org/abs/2307.01952>.
package struct UNet {
    private let name: String
    private let convIn: Convolution
    private let timeWaves: Waves
    private let timeEmbedding: TimestepEmbedding
    private let addedEmbedding: AddedEmbedding?
    private let down: [Stage<Downsample>]
    private let middle: (ResidualBlock, SpatialTransformer?, ResidualBlock)
    private let up: [Stage<Upsample>]
    private let normOut: GroupNorm
    private let convOut: Convolution

    /// A block's layers: residual blocks, each with a transformer where the block looks at the text, and a resampling.
    private struct Stage<Resampling> {
        let layers: [(ResidualBlock, SpatialTransformer?)]
        let resampling: Resampling?
    }

    package init(_ weights: Weights, _ configuration: UNetConfiguration) throws {
        func residual(_ weights: Weights, _ inputs: Int, _ outputs: Int) throws -> ResidualBlock {
            try ResidualBlock(
                weights, inputs: inputs, outputs: outputs, timeWidth: configuration.timeWidth,
                groups: configuration.normGroups, epsilon: configuration.normEpsilon)
        }
        func layers(_ block: UNetBlock) throws -> [(ResidualBlock, SpatialTransformer?)] {
            let place = block.name.split(separator: ".").reduce(weights) { $0 / String($1) }
            return try block.residualInputs.enumerated().map { index, inputs in
                let transformer = try block.attention.map { attention in
                    try SpatialTransformer(
                        place / "attentions" / index, channels: block.channels, attention: attention, configuration)
                }
                return (try residual(place / "resnets" / index, inputs, block.channels), transformer)
            }
        }
        name = weights.source.name
        let channels = configuration.blockChannels[0]
        convIn = try Convolution(
            weights / "conv_in", inputs: configuration.inputChannels, outputs: channels, kernel: 3, padding: 1)
        timeWaves = Waves(width: channels, configuration)
        timeEmbedding = try TimestepEmbedding(
            weights / "time_embedding", inputs: channels, width: configuration.timeWidth)
        addedEmbedding = try configuration.added.map { added in
            try AddedEmbedding(weights / "add_embedding", added, configuration)
        }
        down = try configuration.downBlocks.enumerated().map { index, block in
            let place = weights / "down_blocks" / index / "downsamplers" / 0
            return Stage(
                layers: try layers(block),
                resampling: block.resamples
                    ? try Downsample(place, channels: block.channels, padding: configuration.downsamplePadding) : nil)
        }
        let block = configuration.middleBlock
        middle = (
            try residual(weights / "mid_block" / "resnets" / 0, block.channels, block.channels),
            try block.attention.map { attention in
                try SpatialTransformer(
                    weights / "mid_block" / "attentions" / 0, channels: block.channels, attention: attention,
                    configuration)
            },
            try residual(weights / "mid_block" / "resnets" / 1, block.channels, block.channels)
        )
        up = try configuration.upBlocks.enumerated().map { index, block in
            let place = weights / "up_blocks" / index / "upsamplers" / 0
            return Stage(
                layers: try layers(block),
                resampling: block.resamples ? try Upsample(place, channels: block.channels) : nil)
        }
        normOut = try GroupNorm(
            weights / "conv_norm_out", channels: channels, groups: configuration.normGroups,
            epsilon: configuration.normEpsilon)
        convOut = try Convolution(
            weights / "conv_out", inputs: channels, outputs: configuration.outputChannels, kernel: 3, padding: 1)
    }

    /// What the model predicts of noisy latents.
    ///
    /// - Parameters:
    ///   - latents: `[batch, 4, height, width]`, of any height and width.
    ///   - timesteps: `[batch]`, whole or not.
    ///   - context: the text encoder's states, `[batch, words, contextWidth]`.
    ///   - added: what else Stable Diffusion XL is told; no other model listens to it.
    ///   - checkpoints: what is computed again for the backward pass; nil keeps everything.
    /// - Returns: the prediction, of the latents' shape, in the format that the layers compute in.
    package func callAsFunction(
        _ latents: Tensor, timesteps: Tensor, context: Tensor, added: AddedConditions? = nil,
        checkpoints: ActivationCheckpoints? = nil
    ) throws -> Tensor {
        let type = try convIn.bias.scalarType
        let context = try context.to(type)
        let time = try silu(embedded(timesteps, added, as: type))
        func run(_ layer: (ResidualBlock, SpatialTransformer?), _ x: Tensor) throws -> Tensor {
            let residual = layer.0
            let x = try recompute(residual.place, [x, time], checkpoints) { try residual($0[0], time: $0[1]) }
            guard let transformer = layer.1 else { return x }
            return try recompute(transformer.place, [x, context], checkpoints) {
                try transformer($0[0], context: $0[1])
            }
        }

        var x = try convIn(latents.to(type))
        var skips = [x]
        for stage in down {
            for layer in stage.layers {
                x = try run(layer, x)
                skips.append(x)
            }
            if let downsample = stage.resampling {
                x = try downsample(x)
                skips.append(x)
            }
        }

        x = try run((middle.0, middle.1), x)
        x = try run((middle.2, nil), x)

        for stage in up {
            for layer in stage.layers {
                x = try run(layer, Tensor.concatenate([x] + [skips.popLast()].compactMap(\.self), along: 1))
            }
            // A side that could not be halved evenly comes back to the size it had on the way down.
            if let upsample = stage.resampling { x = try upsample(x, to: skips.last?.shape.suffix(2).map(\.self)) }
        }
        return try convOut(normOut(x, activated: true))
    }

    /// What every residual block is told, before its activation: `[batch, timeWidth]`.
    private func embedded(_ timesteps: Tensor, _ added: AddedConditions?, as type: ScalarType) throws -> Tensor {
        let time = try timeEmbedding(timeWaves(timesteps).to(type))
        guard let addedEmbedding else { return time }
        guard let added else {
            throw ModelError(
                name, "is Stable Diffusion XL's UNet, which must be told the whole text and the picture's sizes, too")
        }
        return try time + addedEmbedding(added, as: type)
    }
}
