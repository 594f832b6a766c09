/// A part of Stable Diffusion that adapters are put on, in the order in which kohya's scripts make them.
package enum AdaptedPart: String, Codable, Sendable, Hashable, CaseIterable {
    case textEncoder
    case unet

    /// What the keys of its layers begin with in a LoRA file.
    package var keyPrefix: String {
        switch self {
        case .textEncoder: "lora_te_"
        case .unet: "lora_unet_"
        }
    }

    /// The key of the layer at `path` in a LoRA file: kohya's `lora_name`, in which every dot is an underscore.
    package func key(of path: String) -> String {
        keyPrefix + path.replacing(".", with: "_")
    }
}
