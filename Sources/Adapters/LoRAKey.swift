/// What one tensor of a LoRA file is, read off its name in any of the ways that tools write it.
struct LoRAKey: Equatable {
    /// What the tensor is to its layer.
    enum Role: Equatable {
        case down
        case up
        case alpha
        /// Belongs to another way of adapting; the name is for messages.
        case other(method: String)
    }

    /// The layer under kohya's name: `lora_unet_…`.
    let layer: String
    let role: Role

    /// nil for a name that no LoRA for Stable Diffusion 1.x or 2.x has.
    init?(_ name: String) {
        guard let (suffix, role) = Self.endings.first(where: { name.hasSuffix($0.suffix) }) else { return nil }
        guard let layer = Self.layer(String(name.dropLast(suffix.count))) else { return nil }
        self.layer = layer
        self.role = role
    }

    /// kohya's, diffusers' (`lora.down`, `lora_linear_layer`, attention processors') and PEFT's endings.
    private static let endings: [(suffix: String, role: Role)] = [
        (".lora_down.weight", .down), (".lora_up.weight", .up), (".alpha", .alpha),
        (".lora_A.weight", .down), (".lora_B.weight", .up),
        (".lora_A.default.weight", .down), (".lora_B.default.weight", .up),
        (".lora.down.weight", .down), (".lora.up.weight", .up),
        (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
        ("_lora.down.weight", .down), ("_lora.up.weight", .up),
        (".lora_mid.weight", .other(method: "LoCon with a Tucker core")), (".dora_scale", .other(method: "DoRA")),
        (".lora_magnitude_vector", .other(method: "DoRA")),
        (".lora_magnitude_vector.weight", .other(method: "DoRA")),
        (".hada_w1_a", .other(method: "LoHa")), (".hada_w1_b", .other(method: "LoHa")),
        (".hada_w2_a", .other(method: "LoHa")), (".hada_w2_b", .other(method: "LoHa")),
        (".hada_t1", .other(method: "LoHa")), (".hada_t2", .other(method: "LoHa")),
        (".lokr_w1", .other(method: "LoKr")), (".lokr_w1_a", .other(method: "LoKr")),
        (".lokr_w1_b", .other(method: "LoKr")), (".lokr_w2", .other(method: "LoKr")),
        (".lokr_w2_a", .other(method: "LoKr")), (".lokr_w2_b", .other(method: "LoKr")),
        (".lokr_t2", .other(method: "LoKr")), (".diff", .other(method: "a full difference")),
        (".diff_b", .other(method: "a full difference")), (".oft_blocks", .other(method: "OFT")),
    ]

    /// A layer's name in kohya's form, from any form.
    private static func layer(_ name: String) -> String? {
        if AdaptedPart.allCases.contains(where: { name.hasPrefix($0.keyPrefix) }) {
            // kohya's names have no dots left.
            return name.contains(".") ? nil : name
        }
        var path = name
        for prefix in ["base_model.model.", "unet.", "text_encoder."] where path.hasPrefix(prefix) {
            path.removeFirst(prefix.count)
        }
        // Attention processors of early diffusers: `attn1.processor.to_out` + `_lora`, which is `attn1.to_out.0`.
        if path.contains(".processor.") {
            path = path.replacing(".processor.", with: ".")
            if path.hasSuffix(".to_out") { path += ".0" }
        }
        // What newer transformers call the text encoder's layers.
        if path.hasPrefix("encoder.layers.") { path = "text_model." + path }
        let part: AdaptedPart = path.hasPrefix("text_model.") ? .textEncoder : .unet
        let roots = [
            "text_model.", "down_blocks.", "mid_block.", "up_blocks.", "conv_in", "conv_out", "time_embedding.",
        ]
        guard roots.contains(where: path.hasPrefix) else { return nil }
        return part.key(of: path)
    }
}
