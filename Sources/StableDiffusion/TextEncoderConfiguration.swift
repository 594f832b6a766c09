/// The shape of a CLIP text encoder, as transformers' `CLIPTextConfig` says it.
package struct TextEncoderConfiguration: Equatable, Sendable {
    /// Which smooth step the layers' perceptrons use.
    package enum Activation: String, CaseIterable, Sendable {
        /// `x · σ(1.702·x)`, OpenAI's.
        case quickGelu = "quick_gelu"
        /// `x · Φ(x)`, OpenCLIP's.
        case gelu
    }

    package var vocabularySize = 49408
    /// The width of a token's state.
    package var width = 768
    /// The width between the two halves of each perceptron.
    package var innerWidth = 3072
    package var layers = 12
    package var heads = 12
    /// How many tokens a row has.
    package var rowLength = 77
    package var activation = Activation.quickGelu
    package var normEpsilon = 1e-5

    package init() {}

    /// SD 1.x: OpenAI's CLIP ViT-L/14.
    package static let stableDiffusion1 = TextEncoderConfiguration()

    /// SD 2.x: OpenCLIP ViT-H/14 without its last layer.
    package static let stableDiffusion2: TextEncoderConfiguration = {
        var configuration = TextEncoderConfiguration()
        configuration.width = 1024
        configuration.innerWidth = 4096
        configuration.layers = 23
        configuration.heads = 16
        configuration.activation = .gelu
        return configuration
    }()

    /// Reads `text_encoder/config.json`.
    init(_ json: JSONFile) throws(ModelError) {
        var json = json
        if case .object(let inner) = json.values["text_config"] { json = JSONFile(file: json.file, values: inner) }
        try json.require("model_type", oneOf: [.string("clip_text_model"), .string("clip")])
        vocabularySize = try json.integer("vocab_size", default: 49408, in: 1...10_000_000)
        width = try json.integer("hidden_size", default: 512, in: 1...65536)
        innerWidth = try json.integer("intermediate_size", default: 2048, in: 1...1_048_576)
        layers = try json.integer("num_hidden_layers", default: 12, in: 1...512)
        heads = try json.integer("num_attention_heads", default: 8, in: 1...1024)
        rowLength = try json.integer("max_position_embeddings", default: 77, in: 3...4096)
        activation = try json.choice("hidden_act", default: .quickGelu)
        normEpsilon = try json.number("layer_norm_eps", default: 1e-5)
        guard width % heads == 0 else {
            throw ModelError(json.file, "hidden_size \(width) must be a multiple of num_attention_heads \(heads)")
        }
    }
}
