/// The three networks of a Stable Diffusion model; raw values are their folders in a diffusers model.
package enum ModelPart: String, CaseIterable, Sendable {
    case textEncoder = "text_encoder"
    case unet
    case autoencoder = "vae"

    /// How messages call it.
    package var title: String {
        switch self {
        case .textEncoder: "text encoder"
        case .unet: "UNet"
        case .autoencoder: "VAE"
        }
    }
}

extension ModelConfiguration {
    /// The tensors of one of the parts.
    package func parameters(of part: ModelPart) -> ParameterShapes {
        switch part {
        case .textEncoder: textEncoder.parameters
        case .unet: unet.parameters
        case .autoencoder: autoencoder.parameters
        }
    }

    /// Where a part's tensor may lie in a file, likeliest first: as tools of different ages and both layouts name it.
    func names(of part: ModelPart) -> (String) -> [StoredTensor] {
        switch part {
        case .textEncoder:
            let fused = textEncoder.openCLIPNames
            return { name in
                // transformers 5 leaves `text_model.` out, where all before it, and all LoRA files, have it.
                let short = String(name.dropFirst("text_model.".count))
                let plain = [name, short].flatMap { [StoredTensor($0), StoredTensor(LatentDiffusionNames.clip + $0)] }
                return plain + [fused[name]].compactMap(\.self)
            }
        case .unet:
            let original = unet.latentDiffusionNames
            return { name in [StoredTensor(name)] + [original[name]].compactMap(\.self) }
        case .autoencoder:
            let original = autoencoder.latentDiffusionNames
            return { name in
                // A VAE file of its own has the original names without the prefix.
                let stored = original[name].map { tensor in
                    [tensor, StoredTensor(String(tensor.name.dropFirst(LatentDiffusionNames.autoencoder.count)))]
                }
                return [StoredTensor(name), StoredTensor(Self.beforeDiffusers017(name))] + (stored ?? [])
            }
        }
    }

    /// How diffusers called the VAE's attention layers before 0.17.
    private static func beforeDiffusers017(_ name: String) -> String {
        for (new, old) in [("to_q.", "query."), ("to_k.", "key."), ("to_v.", "value."), ("to_out.0.", "proj_attn.")] {
            let renamed = name.replacing(".attentions.0." + new, with: ".attentions.0." + old)
            if renamed != name { return renamed }
        }
        return name
    }
}
