/// The shape of a variational autoencoder, as diffusers' `AutoencoderKL` says it.
package struct AutoencoderConfiguration: Equatable, Sendable {
    package var imageChannels = 3
    package var latentChannels = 4
    /// The channels at each resolution, the finest first.
    package var blockChannels = [128, 256, 512, 512]
    /// Residual blocks at each resolution of the encoder; the decoder has one more.
    package var layers = 2
    package var normGroups = 32
    /// What latents are multiplied by before they are diffused.
    package var scalingFactor = 0.18215
    /// What is taken off them before that.
    package var shiftFactor = 0.0
    /// Whether the middle attends to itself.
    package var middleAttention = true
    /// Whether a 1×1 convolution follows the encoder, and another precedes the decoder.
    package var quantConvolution = true
    package var postQuantConvolution = true

    package init() {}

    /// SD 1.x and 2.x.
    package static let stableDiffusion = AutoencoderConfiguration()

    /// How many pixels of each side become one of the latents.
    package var factor: Int { 1 << (blockChannels.count - 1) }

    /// Reads `vae/config.json`.
    init(_ json: JSONFile) throws(ModelError) {
        imageChannels = try json.integer("in_channels", default: 3, in: 1...64)
        latentChannels = try json.integer("latent_channels", default: 4, in: 1...1024)
        blockChannels = try json.integers("block_out_channels", default: [64], in: 1...65536)
        layers = try json.integer("layers_per_block", default: 1, in: 1...64)
        normGroups = try json.integer("norm_num_groups", default: 32, in: 1...65536)
        scalingFactor = try json.number("scaling_factor", default: 0.18215)
        shiftFactor = try json.number("shift_factor", default: 0)
        middleAttention = try json.boolean("mid_block_add_attention", default: true)
        quantConvolution = try json.boolean("use_quant_conv", default: true)
        postQuantConvolution = try json.boolean("use_post_quant_conv", default: true)
        try json.require("out_channels", oneOf: [.number(Double(imageChannels))])
        try json.require("act_fn", oneOf: [.string("silu"), .string("swish")])
        try json.require("latents_mean", oneOf: [.null])
        try json.require("latents_std", oneOf: [.null])
        for (key, kind) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
            let kinds = try json.strings(key, default: Array(repeating: kind, count: blockChannels.count))
            guard kinds == Array(repeating: kind, count: blockChannels.count) else {
                throw ModelError(json.file, "\(key) must be \(blockChannels.count) times \(kind)")
            }
        }
        guard scalingFactor > 0 else { throw json.wrong("scaling_factor", .number(scalingFactor), "larger than 0") }
        for channels in blockChannels where channels % normGroups != 0 {
            throw ModelError(
                json.file, "block_out_channels \(channels) must be a multiple of norm_num_groups \(normGroups)")
        }
    }
}
