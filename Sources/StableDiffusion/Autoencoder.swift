package import Layers
package import Torch

/// Pictures to latents and back.
///
/// Agrees with diffusers' `AutoencoderKL`. Kingma & Welling, 2013, <https://arxiv.org/abs/1312.6114>; Rombach et al.,
/// 2022, appendix G, <https://arxiv.org/abs/2112.10752>.
package struct Autoencoder {
    private let encoder: AutoencoderEncoder
    private let decoder: AutoencoderDecoder
    private let quant: Convolution?
    private let postQuant: Convolution?
    private let configuration: AutoencoderConfiguration

    package init(_ weights: Weights, _ configuration: AutoencoderConfiguration) throws {
        self.configuration = configuration
        let latents = configuration.latentChannels
        encoder = try AutoencoderEncoder(weights / "encoder", configuration)
        decoder = try AutoencoderDecoder(weights / "decoder", configuration)
        quant =
            configuration.quantConvolution
            ? try Convolution(weights / "quant_conv", inputs: 2 * latents, outputs: 2 * latents, kernel: 1) : nil
        postQuant =
            configuration.postQuantConvolution
            ? try Convolution(weights / "post_quant_conv", inputs: latents, outputs: latents, kernel: 1) : nil
    }

    /// The normal distribution of a picture's latents, before scaling.
    ///
    /// - Parameter pixels: `[batch, 3, height, width]` in -1...1; both sides multiples of ``AutoencoderConfiguration/factor``.
    /// - Returns: mean and logarithm of the variance, `[batch, 4, height / factor, width / factor]` each.
    package func encode(_ pixels: Tensor) throws -> (mean: Tensor, logVariance: Tensor) {
        let moments = try encoder(pixels)
        let halves = try (quant.map { try $0(moments) } ?? moments).chunked(2, along: 1)
        return (halves[0], try halves[1].clamped(-30, 20))
    }

    /// The picture of latents before scaling.
    ///
    /// - Parameter latents: `[batch, 4, height, width]`.
    /// - Returns: `[batch, 3, height · factor, width · factor]`, about -1...1.
    package func decode(_ latents: Tensor) throws -> Tensor {
        guard let postQuant else { return try decoder(latents) }
        return try decoder(postQuant(latents.to(postQuant.bias.scalarType)))
    }

    /// Latents as the UNet sees them: shifted, then scaled to about unit variance.
    package func scaled(_ latents: Tensor) throws -> Tensor {
        try (latents - configuration.shiftFactor) * configuration.scalingFactor
    }

    /// The inverse of ``scaled(_:)``.
    package func unscaled(_ latents: Tensor) throws -> Tensor {
        try latents / configuration.scalingFactor + configuration.shiftFactor
    }
}

/// Pictures to the moments of their latents.
private struct AutoencoderEncoder {
    private let convIn: Convolution
    private let stages: [(layers: [ResidualBlock], downsample: Downsample?)]
    private let middle: AutoencoderMiddle
    private let normOut: GroupNorm
    private let convOut: Convolution

    init(_ weights: Weights, _ configuration: AutoencoderConfiguration) throws {
        let channels = configuration.blockChannels
        let coarsest = channels[channels.count - 1]
        convIn = try Convolution(
            weights / "conv_in", inputs: configuration.imageChannels, outputs: channels[0], kernel: 3, padding: 1)
        stages = try channels.indices.map { level in
            let place = weights / "down_blocks" / level
            let layers = try (0..<configuration.layers).map { layer in
                try ResidualBlock(
                    place / "resnets" / layer, inputs: layer == 0 ? channels[max(level - 1, 0)] : channels[level],
                    outputs: channels[level], timeWidth: nil, groups: configuration.normGroups, epsilon: 1e-6)
            }
            let isLast = level == channels.count - 1
            return (
                layers,
                isLast ? nil : try Downsample(place / "downsamplers" / 0, channels: channels[level], padding: 0)
            )
        }
        middle = try AutoencoderMiddle(weights / "mid_block", channels: coarsest, configuration)
        normOut = try GroupNorm(
            weights / "conv_norm_out", channels: coarsest, groups: configuration.normGroups, epsilon: 1e-6)
        convOut = try Convolution(
            weights / "conv_out", inputs: coarsest, outputs: 2 * configuration.latentChannels, kernel: 3, padding: 1)
    }

    func callAsFunction(_ pixels: Tensor) throws -> Tensor {
        var x = try convIn(pixels.to(convIn.bias.scalarType))
        for stage in stages {
            for layer in stage.layers { x = try layer(x) }
            if let downsample = stage.downsample { x = try downsample(x) }
        }
        return try convOut(normOut(middle(x), activated: true))
    }
}

/// Latents to pictures.
private struct AutoencoderDecoder {
    private let convIn: Convolution
    private let middle: AutoencoderMiddle
    private let stages: [(layers: [ResidualBlock], upsample: Upsample?)]
    private let normOut: GroupNorm
    private let convOut: Convolution

    init(_ weights: Weights, _ configuration: AutoencoderConfiguration) throws {
        let channels = Array(configuration.blockChannels.reversed())
        let finest = channels[channels.count - 1]
        convIn = try Convolution(
            weights / "conv_in", inputs: configuration.latentChannels, outputs: channels[0], kernel: 3, padding: 1)
        middle = try AutoencoderMiddle(weights / "mid_block", channels: channels[0], configuration)
        stages = try channels.indices.map { level in
            let place = weights / "up_blocks" / level
            let layers = try (0...configuration.layers).map { layer in
                try ResidualBlock(
                    place / "resnets" / layer, inputs: layer == 0 ? channels[max(level - 1, 0)] : channels[level],
                    outputs: channels[level], timeWidth: nil, groups: configuration.normGroups, epsilon: 1e-6)
            }
            let isLast = level == channels.count - 1
            return (layers, isLast ? nil : try Upsample(place / "upsamplers" / 0, channels: channels[level]))
        }
        normOut = try GroupNorm(
            weights / "conv_norm_out", channels: finest, groups: configuration.normGroups, epsilon: 1e-6)
        convOut = try Convolution(
            weights / "conv_out", inputs: finest, outputs: configuration.imageChannels, kernel: 3, padding: 1)
    }

    func callAsFunction(_ latents: Tensor) throws -> Tensor {
        var x = try middle(convIn(latents.to(convIn.bias.scalarType)))
        for stage in stages {
            for layer in stage.layers { x = try layer(x) }
            if let upsample = stage.upsample { x = try upsample(x) }
        }
        return try convOut(normOut(x, activated: true))
    }
}

/// The coarsest level: two residual blocks, and between them a picture that attends to itself with one head.
private struct AutoencoderMiddle {
    private let first: ResidualBlock
    private let norm: GroupNorm?
    private let attention: CrossAttention?
    private let second: ResidualBlock

    init(_ weights: Weights, channels: Int, _ configuration: AutoencoderConfiguration) throws {
        func residual(_ index: Int) throws -> ResidualBlock {
            try ResidualBlock(
                weights / "resnets" / index, inputs: channels, outputs: channels, timeWidth: nil,
                groups: configuration.normGroups, epsilon: 1e-6)
        }
        let place = weights / "attentions" / 0
        first = try residual(0)
        norm =
            configuration.middleAttention
            ? try GroupNorm(place / "group_norm", channels: channels, groups: configuration.normGroups, epsilon: 1e-6)
            : nil
        attention =
            configuration.middleAttention
            ? try CrossAttention(place, width: channels, contextWidth: channels, heads: 1, bias: true) : nil
        second = try residual(1)
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let x = try first(x)
        guard let norm, let attention else { return try second(x) }
        let shape = x.shape
        let tokens = try norm(x).reshaped([shape[0], shape[1], shape[2] * shape[3]]).transposed(1, 2)
        let attended = try attention(tokens, context: tokens).transposed(1, 2).reshaped(shape)
        return try second(x + attended)
    }
}
