/// The shape of a text-conditional UNet, as diffusers' `UNet2DConditionModel` says it.
package struct UNetConfiguration: Equatable, Sendable {
    package var inputChannels = 4
    package var outputChannels = 4
    /// The channels at each resolution, the finest first.
    package var blockChannels = [320, 640, 1280, 1280]
    /// Which of the down blocks look at the text.
    package var downAttention = [true, true, true, false]
    /// Which of the up blocks do, the coarsest first.
    package var upAttention = [false, true, true, true]
    /// Residual blocks in each down block; an up block has one more.
    package var layers = [2, 2, 2, 2]
    /// Attention heads in each down block.
    ///
    /// diffusers calls them `attention_head_dim`, a misnomer it keeps.
    package var heads = [8, 8, 8, 8]
    /// Transformer layers in each attention of each down block.
    package var transformerLayers = [1, 1, 1, 1]
    /// The width of the text encoder's states.
    package var contextWidth = 768
    package var normGroups = 32
    package var normEpsilon = 1e-5
    /// Whether a transformer's projections in and out are linear layers, as in SD 2.x, and not 1×1 convolutions.
    package var linearProjections = false
    /// Whether the timestep's cosines come before its sines.
    package var cosinesFirst = true
    /// What is taken off the number of frequencies of the timestep's embedding.
    package var frequencyShift = 0.0
    /// Zeros around a picture before it is halved.
    package var downsamplePadding = 1
    /// What it is told beside the text's states; nil for Stable Diffusion 1.x and 2.x.
    package var added: Added?

    /// The widths of ``AddedConditions``.
    package struct Added: Equatable, Sendable {
        /// Of the waves that each of the sizes becomes.
        package var waveWidth = 256
        /// Of the whole text's vector and the waves of all sizes together.
        package var width = 2816

        package init() {}

        /// Of the whole text's vector, beside six sizes.
        package var textWidth: Int { width - 6 * waveWidth }
    }

    package init() {}

    /// SD 1.x.
    package static let stableDiffusion1 = UNetConfiguration()

    /// SD 2.x: heads of 64 channels, OpenCLIP's states, linear projections.
    package static let stableDiffusion2: UNetConfiguration = {
        var configuration = UNetConfiguration()
        configuration.heads = [5, 10, 20, 20]
        configuration.contextWidth = 1024
        configuration.linearProjections = true
        return configuration
    }()

    /// SD XL: no attention at the finest resolution and ten layers of it at the coarsest, the states of two text encoders.
    package static let stableDiffusionXL: UNetConfiguration = {
        var configuration = UNetConfiguration()
        configuration.blockChannels = [320, 640, 1280]
        configuration.downAttention = [false, true, true]
        configuration.upAttention = [true, true, false]
        configuration.layers = [2, 2, 2]
        configuration.heads = [5, 10, 20]
        configuration.transformerLayers = [1, 2, 10]
        configuration.contextWidth = 2048
        configuration.linearProjections = true
        configuration.added = Added()
        return configuration
    }()

    /// The width of the timestep's embedding.
    package var timeWidth: Int { blockChannels[0] * 4 }

    /// Reads `unet/config.json`.
    init(_ json: JSONFile) throws(ModelError) {
        inputChannels = try json.integer("in_channels", default: 4, in: 1...65536)
        outputChannels = try json.integer("out_channels", default: 4, in: 1...65536)
        guard inputChannels != 9 else {
            throw ModelError(
                json.file, "in_channels is 9: an inpainting model, which is not trained here; use its base")
        }
        blockChannels = try json.integers("block_out_channels", default: [320, 640, 1280, 1280], in: 1...65536)
        let count = blockChannels.count
        let down = ["CrossAttnDownBlock2D": true, "DownBlock2D": false]
        let up = ["CrossAttnUpBlock2D": true, "UpBlock2D": false]
        downAttention = try Self.blocks(json, "down_block_types", down, count: count)
        upAttention = try Self.blocks(json, "up_block_types", up, count: count)
        layers = try json.integers("layers_per_block", default: [2], count: count, in: 1...64)
        let heads = json.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim"
        self.heads = try json.integers(
            heads, default: Array(repeating: 8, count: count), count: count, in: 1...1024)
        transformerLayers = try json.integers(
            "transformer_layers_per_block", default: Array(repeating: 1, count: count), count: count, in: 1...64)
        contextWidth = try json.integer("cross_attention_dim", default: 1280, in: 1...65536)
        normGroups = try json.integer("norm_num_groups", default: 32, in: 1...65536)
        normEpsilon = try json.number("norm_eps", default: 1e-5)
        linearProjections = try json.boolean("use_linear_projection", default: false)
        cosinesFirst = try json.boolean("flip_sin_to_cos", default: true)
        frequencyShift = try json.number("freq_shift", default: 0)
        downsamplePadding = try json.integer("downsample_padding", default: 1, in: 0...1)
        added = try Self.added(json)
        try Self.refuseUnknownKinds(json)
        try checkDivisions(json)
    }

    private static func blocks(
        _ json: JSONFile, _ key: String, _ kinds: [String: Bool], count: Int
    ) throws(ModelError) -> [Bool] {
        let names = try json.strings(key)
        guard names.count == count else {
            throw ModelError(json.file, "\(key) has \(names.count) blocks, but block_out_channels has \(count)")
        }
        var attention: [Bool] = []
        for name in names {
            guard let kind = kinds[name] else {
                throw json.wrong(key, .string(name), "one of " + kinds.keys.sorted().joined(separator: ", "))
            }
            attention.append(kind)
        }
        return attention
    }

    private static func added(_ json: JSONFile) throws(ModelError) -> Added? {
        try json.require("addition_embed_type", oneOf: [.null, .string("text_time")])
        guard json.has("addition_embed_type") else { return nil }
        var added = Added()
        added.waveWidth = try json.integer("addition_time_embed_dim", in: 1...65536)
        added.width = try json.integer("projection_class_embeddings_input_dim", in: 1...65536)
        guard added.textWidth > 0 else {
            throw ModelError(
                json.file,
                "projection_class_embeddings_input_dim \(added.width) must be larger than six times "
                    + "addition_time_embed_dim \(added.waveWidth)")
        }
        return added
    }

    private static func refuseUnknownKinds(_ json: JSONFile) throws(ModelError) {
        try json.require("act_fn", oneOf: [.string("silu"), .string("swish")])
        try json.require("mid_block_type", oneOf: [.string("UNetMidBlock2DCrossAttn")])
        try json.require("time_embedding_type", oneOf: [.string("positional")])
        try json.require("resnet_time_scale_shift", oneOf: [.string("default")])
        try json.require("attention_type", oneOf: [.string("default")])
        try json.require("conv_in_kernel", oneOf: [.number(3)])
        try json.require("conv_out_kernel", oneOf: [.number(3)])
        for key in ["resnet_out_scale_factor", "mid_block_scale_factor"] { try json.require(key, oneOf: [.number(1)]) }
        for key in [
            "center_input_sample", "dual_cross_attention", "only_cross_attention", "mid_block_only_cross_attention",
            "resnet_skip_time_act", "class_embeddings_concat",
        ] { try json.require(key, oneOf: [.boolean(false)]) }
        for key in [
            "class_embed_type", "num_class_embeds", "cross_attention_norm", "encoder_hid_dim", "encoder_hid_dim_type",
            "time_embedding_dim", "time_embedding_act_fn", "timestep_post_act", "time_cond_proj_dim",
            "reverse_transformer_layers_per_block",
        ] { try json.require(key, oneOf: [.null]) }
    }

    private func checkDivisions(_ json: JSONFile) throws(ModelError) {
        for (channels, heads) in zip(blockChannels, heads) where channels % heads != 0 || channels % normGroups != 0 {
            throw ModelError(
                json.file,
                "block_out_channels \(channels) must be a multiple of its \(heads) heads and of norm_num_groups \(normGroups)"
            )
        }
    }
}
