/// What a file of weights looks like, from the names and shapes of its tensors alone.
enum ModelFamily: Equatable {
    case stableDiffusion1
    case stableDiffusion2
    /// Something else, and what to say of it.
    case other(String)

    /// What to do about a model of another family.
    static let advice = "this release trains Stable Diffusion 1.x and 2.x; give one of those"

    /// - Parameter shapes: from the names of a file's tensors to their shapes.
    init(_ shapes: [String: [Int]]) {
        func any(_ test: (String) -> Bool) -> Bool { shapes.keys.contains(where: test) }

        if any({
            $0.contains("lora_down") || $0.contains("lora_up") || $0.contains(".lora_A.") || $0.contains("hada_w1")
        }) {
            self = .other("is a LoRA, not a base model; give it as network weights, and a base model here")
        } else if any({ $0.hasPrefix("conditioner.embedders.") }) {
            self = .other("looks like Stable Diffusion XL; \(Self.advice)")
        } else if any({ $0.contains("joint_blocks.") }) {
            self = .other("looks like Stable Diffusion 3; \(Self.advice)")
        } else if any({ $0.contains("double_blocks.") }) {
            self = .other("looks like FLUX; \(Self.advice)")
        } else if let first = shapes[LatentDiffusionNames.unet + "input_blocks.0.0.weight"] {
            self = Self.latentDiffusion(first, hasName: { prefix in any { $0.hasPrefix(prefix) } })
        } else if any({ $0.hasPrefix("down_blocks.") }) {
            self = .other("is a UNet alone, as diffusers names it; give the folder of the whole model")
        } else {
            self = .other("is no Stable Diffusion checkpoint: it has no tensor \(LatentDiffusionNames.unet)…")
        }
    }

    private static func latentDiffusion(_ first: [Int], hasName: (String) -> Bool) -> ModelFamily {
        switch first.dropFirst().first {
        case 9: .other("is an inpainting model (its UNet reads 9 channels), which is not trained here; use its base")
        case 8: .other("is an image-editing model (its UNet reads 8 channels), which is not trained here; use its base")
        case _ where hasName(LatentDiffusionNames.clip): .stableDiffusion1
        case _ where hasName(LatentDiffusionNames.openCLIP): .stableDiffusion2
        default:
            .other("has a UNet but no text encoder (cond_stage_model.…); use a complete checkpoint")
        }
    }

    /// What to say of a diffusers folder whose `model_index.json` names this pipeline; nil for one that fits.
    static func objection(toPipeline name: String) -> String? {
        switch name {
        case _ where name.hasPrefix("StableDiffusionXL"):
            "is Stable Diffusion XL (\(name)); \(Self.advice)"
        case _ where name.hasPrefix("StableDiffusion3"):
            "is Stable Diffusion 3 (\(name)); \(Self.advice)"
        case _ where name.hasPrefix("StableDiffusion"): nil
        default: "is a \(name); \(Self.advice)"
        }
    }
}
