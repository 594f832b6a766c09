/// What the tensors of a diffusers model are called in a single file of the original latent-diffusion code.
///
/// Derived from the configuration, as diffusers' `convert_ldm_*_checkpoint` and kohya's `convert_ldm_*` derive theirs.
enum LatentDiffusionNames {
    static let unet = "model.diffusion_model."
    static let autoencoder = "first_stage_model."
    static let clip = "cond_stage_model.transformer."
    static let openCLIP = "cond_stage_model.model."
}

extension UNetConfiguration {
    /// From the beginning of each name in diffusers to its beginning in `UNetModel`, which counts its blocks flat: every
    /// residual block, and every halving, is one of `input_blocks`.
    var latentDiffusionPlaces: [(diffusers: String, original: String)] {
        var places = [
            ("time_embedding.linear_1.", "time_embed.0."), ("time_embedding.linear_2.", "time_embed.2."),
            ("conv_in.", "input_blocks.0.0."), ("conv_norm_out.", "out.0."), ("conv_out.", "out.2."),
            ("mid_block.resnets.0.", "middle_block.0."), ("mid_block.attentions.0.", "middle_block.1."),
            ("mid_block.resnets.1.", "middle_block.2."),
        ]
        var input = 1
        for block in downBlocks {
            for index in block.residualInputs.indices {
                places.append(("\(block.name).resnets.\(index).", "input_blocks.\(input).0."))
                places.append(("\(block.name).attentions.\(index).", "input_blocks.\(input).1."))
                input += 1
            }
            if block.resamples {
                places.append(("\(block.name).downsamplers.0.conv.", "input_blocks.\(input).0.op."))
                input += 1
            }
        }
        var output = 0
        for block in upBlocks {
            for index in block.residualInputs.indices {
                places.append(("\(block.name).resnets.\(index).", "output_blocks.\(output).0."))
                places.append(("\(block.name).attentions.\(index).", "output_blocks.\(output).1."))
                output += 1
            }
            let place = block.attention == nil ? 1 : 2
            places.append(("\(block.name).upsamplers.0.", "output_blocks.\(output - 1).\(place)."))
        }
        return places
    }

    /// Each of the UNet's tensors, by its name in diffusers, as a single file has it.
    var latentDiffusionNames: [String: StoredTensor] {
        let inResidualBlock = [
            ("norm1.", "in_layers.0."), ("conv1.", "in_layers.2."), ("time_emb_proj.", "emb_layers.1."),
            ("norm2.", "out_layers.0."), ("conv2.", "out_layers.3."), ("conv_shortcut.", "skip_connection."),
        ]
        let places = latentDiffusionPlaces
        var names: [String: StoredTensor] = [:]
        for parameter in parameters.parameters {
            guard let place = places.first(where: { parameter.name.hasPrefix($0.diffusers) }) else { continue }
            var rest = String(parameter.name.dropFirst(place.diffusers.count))
            if place.diffusers.contains("resnets"), let inner = inResidualBlock.first(where: { rest.hasPrefix($0.0) }) {
                rest = inner.1 + rest.dropFirst(inner.0.count)
            }
            names[parameter.name] = StoredTensor(LatentDiffusionNames.unet + place.original + rest)
        }
        return names
    }
}

extension AutoencoderConfiguration {
    /// Each of the autoencoder's tensors, by its name in diffusers, as a single file has it.
    ///
    /// The original numbers the decoder's levels by resolution, diffusers in the order in which they are met.
    var latentDiffusionNames: [String: StoredTensor] {
        var places: [(String, String)] = []
        for level in blockChannels.indices {
            let up = blockChannels.count - 1 - level
            for layer in 0..<layers {
                places.append(
                    ("encoder.down_blocks.\(level).resnets.\(layer).", "encoder.down.\(level).block.\(layer)."))
            }
            for layer in 0...layers {
                places.append(("decoder.up_blocks.\(level).resnets.\(layer).", "decoder.up.\(up).block.\(layer)."))
            }
            places.append(("encoder.down_blocks.\(level).downsamplers.0.", "encoder.down.\(level).downsample."))
            places.append(("decoder.up_blocks.\(level).upsamplers.0.", "decoder.up.\(up).upsample."))
        }
        for half in ["encoder", "decoder"] {
            let attention = [
                ("group_norm.", "norm."), ("to_q.", "q."), ("to_k.", "k."), ("to_v.", "v."), ("to_out.0.", "proj_out."),
            ]
            places += attention.map { ("\(half).mid_block.attentions.0.\($0.0)", "\(half).mid.attn_1.\($0.1)") }
            places.append(("\(half).mid_block.resnets.0.", "\(half).mid.block_1."))
            places.append(("\(half).mid_block.resnets.1.", "\(half).mid.block_2."))
            places.append(("\(half).conv_norm_out.", "\(half).norm_out."))
        }
        var names: [String: StoredTensor] = [:]
        for parameter in parameters.parameters {
            var name = parameter.name
            if let place = places.first(where: { name.hasPrefix($0.0) }) {
                name = place.1 + name.dropFirst(place.0.count)
            }
            name = name.replacing("conv_shortcut.", with: "nin_shortcut.")
            names[parameter.name] = StoredTensor(LatentDiffusionNames.autoencoder + name)
        }
        return names
    }
}

extension TextEncoderConfiguration {
    /// Each of the text encoder's tensors, by its name in transformers, as OpenCLIP has it: query, key and value fused.
    var openCLIPNames: [String: StoredTensor] {
        let places = [
            ("embeddings.token_embedding.weight", "token_embedding.weight"),
            ("embeddings.position_embedding.weight", "positional_embedding"), ("final_layer_norm.", "ln_final."),
        ]
        let inLayer = [
            ("layer_norm1.", "ln_1."), ("layer_norm2.", "ln_2."), ("mlp.fc1.", "mlp.c_fc."),
            ("mlp.fc2.", "mlp.c_proj."),
            ("self_attn.out_proj.", "attn.out_proj."),
        ]
        var names: [String: StoredTensor] = [:]
        for parameter in parameters.parameters {
            let name = parameter.name.dropFirst("text_model.".count)
            var third: Int?
            var original = String(name)
            if let place = places.first(where: { name.hasPrefix($0.0) }) {
                original = place.1 + name.dropFirst(place.0.count)
            } else if name.hasPrefix("encoder.layers.") {
                let parts = name.split(separator: ".", maxSplits: 3)
                var rest = String(parts[3])
                if let inner = inLayer.first(where: { rest.hasPrefix($0.0) }) {
                    rest = inner.1 + rest.dropFirst(inner.0.count)
                } else {
                    let pieces = rest.split(separator: ".")
                    third = ["q_proj", "k_proj", "v_proj"].firstIndex(of: String(pieces[1]))
                    rest = "attn.in_proj_\(pieces[2])"
                }
                original = "transformer.resblocks.\(parts[2]).\(rest)"
            }
            names[parameter.name] = StoredTensor(LatentDiffusionNames.openCLIP + original, third: third)
        }
        return names
    }
}
