/// The tensors that a part of a model consists of: their diffusers names, in the model's order, and their shapes.
///
/// Derived from the part's configuration, so that a checkpoint can be held against it before anything is computed, and so
/// that a model of any size can be listed, counted or filled without one.
package struct ParameterShapes: Equatable, Sendable {
    /// A tensor's name and shape.
    package struct Parameter: Equatable, Sendable {
        package let name: String
        package let shape: [Int]
    }

    package private(set) var parameters: [Parameter] = []

    /// How many numbers the part has.
    package var count: Int { parameters.reduce(0) { $0 + $1.shape.reduce(1, *) } }

    init() {}

    mutating func tensor(_ name: String, _ shape: [Int]) {
        parameters.append(Parameter(name: name, shape: shape))
    }

    mutating func linear(_ name: String, _ inputs: Int, _ outputs: Int, bias: Bool = true) {
        tensor(name + ".weight", [outputs, inputs])
        if bias { tensor(name + ".bias", [outputs]) }
    }

    mutating func convolution(_ name: String, _ inputs: Int, _ outputs: Int, kernel: Int) {
        tensor(name + ".weight", [outputs, inputs, kernel, kernel])
        tensor(name + ".bias", [outputs])
    }

    mutating func norm(_ name: String, _ channels: Int) {
        tensor(name + ".weight", [channels])
        tensor(name + ".bias", [channels])
    }

    /// Two normalised convolutions and what joins them to their input.
    mutating func residualBlock(_ name: String, _ inputs: Int, _ outputs: Int, timeWidth: Int?) {
        norm(name + ".norm1", inputs)
        convolution(name + ".conv1", inputs, outputs, kernel: 3)
        if let timeWidth { linear(name + ".time_emb_proj", timeWidth, outputs) }
        norm(name + ".norm2", outputs)
        convolution(name + ".conv2", outputs, outputs, kernel: 3)
        if inputs != outputs { convolution(name + ".conv_shortcut", inputs, outputs, kernel: 1) }
    }
}

extension TextEncoderConfiguration {
    /// The text encoder's tensors.
    package var parameters: ParameterShapes {
        var shapes = ParameterShapes()
        shapes.tensor("text_model.embeddings.token_embedding.weight", [vocabularySize, width])
        shapes.tensor("text_model.embeddings.position_embedding.weight", [rowLength, width])
        for layer in 0..<layers {
            let name = "text_model.encoder.layers.\(layer)"
            for projection in ["k_proj", "v_proj", "q_proj", "out_proj"] {
                shapes.linear("\(name).self_attn.\(projection)", width, width)
            }
            shapes.norm("\(name).layer_norm1", width)
            shapes.linear("\(name).mlp.fc1", width, innerWidth)
            shapes.linear("\(name).mlp.fc2", innerWidth, width)
            shapes.norm("\(name).layer_norm2", width)
        }
        shapes.norm("text_model.final_layer_norm", width)
        return shapes
    }
}

extension UNetConfiguration {
    /// The UNet's tensors.
    package var parameters: ParameterShapes {
        var shapes = ParameterShapes()
        shapes.convolution("conv_in", inputChannels, blockChannels[0], kernel: 3)
        shapes.linear("time_embedding.linear_1", blockChannels[0], timeWidth)
        shapes.linear("time_embedding.linear_2", timeWidth, timeWidth)
        if let added {
            shapes.linear("add_embedding.linear_1", added.width, timeWidth)
            shapes.linear("add_embedding.linear_2", timeWidth, timeWidth)
        }
        for block in downBlocks {
            for (index, inputs) in block.residualInputs.enumerated() {
                shapes.residualBlock("\(block.name).resnets.\(index)", inputs, block.channels, timeWidth: timeWidth)
                if let attention = block.attention {
                    transformer("\(block.name).attentions.\(index)", block.channels, attention, &shapes)
                }
            }
            if block.resamples {
                shapes.convolution("\(block.name).downsamplers.0.conv", block.channels, block.channels, kernel: 3)
            }
        }
        let middle = middleBlock
        for index in 0..<2 {
            shapes.residualBlock("mid_block.resnets.\(index)", middle.channels, middle.channels, timeWidth: timeWidth)
        }
        if let attention = middle.attention {
            transformer("mid_block.attentions.0", middle.channels, attention, &shapes)
        }
        for block in upBlocks {
            for (index, inputs) in block.residualInputs.enumerated() {
                shapes.residualBlock("\(block.name).resnets.\(index)", inputs, block.channels, timeWidth: timeWidth)
                if let attention = block.attention {
                    transformer("\(block.name).attentions.\(index)", block.channels, attention, &shapes)
                }
            }
            if block.resamples {
                shapes.convolution("\(block.name).upsamplers.0.conv", block.channels, block.channels, kernel: 3)
            }
        }
        shapes.norm("conv_norm_out", blockChannels[0])
        shapes.convolution("conv_out", blockChannels[0], outputChannels, kernel: 3)
        return shapes
    }

    private func transformer(
        _ name: String, _ channels: Int, _ attention: UNetBlock.Attention, _ shapes: inout ParameterShapes
    ) {
        shapes.norm("\(name).norm", channels)
        for projection in ["proj_in", "proj_out"] {
            if linearProjections {
                shapes.linear("\(name).\(projection)", channels, channels)
            } else {
                shapes.convolution("\(name).\(projection)", channels, channels, kernel: 1)
            }
        }
        for layer in 0..<attention.layers {
            let name = "\(name).transformer_blocks.\(layer)"
            for (index, width) in [channels, contextWidth].enumerated() {
                shapes.norm("\(name).norm\(index + 1)", channels)
                shapes.linear("\(name).attn\(index + 1).to_q", channels, channels, bias: false)
                shapes.linear("\(name).attn\(index + 1).to_k", width, channels, bias: false)
                shapes.linear("\(name).attn\(index + 1).to_v", width, channels, bias: false)
                shapes.linear("\(name).attn\(index + 1).to_out.0", channels, channels)
            }
            shapes.norm("\(name).norm3", channels)
            shapes.linear("\(name).ff.net.0.proj", channels, channels * 8)
            shapes.linear("\(name).ff.net.2", channels * 4, channels)
        }
    }
}

extension AutoencoderConfiguration {
    /// The autoencoder's tensors.
    package var parameters: ParameterShapes {
        var shapes = ParameterShapes()
        let coarsest = blockChannels[blockChannels.count - 1]
        shapes.convolution("encoder.conv_in", imageChannels, blockChannels[0], kernel: 3)
        blocks("encoder.down_blocks", blockChannels, "downsamplers", layers, &shapes)
        middle("encoder", coarsest, &shapes)
        shapes.norm("encoder.conv_norm_out", coarsest)
        shapes.convolution("encoder.conv_out", coarsest, 2 * latentChannels, kernel: 3)

        shapes.convolution("decoder.conv_in", latentChannels, coarsest, kernel: 3)
        middle("decoder", coarsest, &shapes)
        blocks("decoder.up_blocks", blockChannels.reversed(), "upsamplers", layers + 1, &shapes)
        shapes.norm("decoder.conv_norm_out", blockChannels[0])
        shapes.convolution("decoder.conv_out", blockChannels[0], imageChannels, kernel: 3)

        if quantConvolution {
            shapes.convolution("quant_conv", 2 * latentChannels, 2 * latentChannels, kernel: 1)
        }
        if postQuantConvolution { shapes.convolution("post_quant_conv", latentChannels, latentChannels, kernel: 1) }
        return shapes
    }

    private func blocks(
        _ name: String, _ channels: [Int], _ sampler: String, _ layers: Int, _ shapes: inout ParameterShapes
    ) {
        var inputs = channels[0]
        for (index, outputs) in channels.enumerated() {
            for layer in 0..<layers {
                shapes.residualBlock("\(name).\(index).resnets.\(layer)", inputs, outputs, timeWidth: nil)
                inputs = outputs
            }
            if index < channels.count - 1 {
                shapes.convolution("\(name).\(index).\(sampler).0.conv", outputs, outputs, kernel: 3)
            }
        }
    }

    private func middle(_ name: String, _ channels: Int, _ shapes: inout ParameterShapes) {
        shapes.residualBlock("\(name).mid_block.resnets.0", channels, channels, timeWidth: nil)
        if middleAttention {
            shapes.norm("\(name).mid_block.attentions.0.group_norm", channels)
            for projection in ["to_q", "to_k", "to_v", "to_out.0"] {
                shapes.linear("\(name).mid_block.attentions.0.\(projection)", channels, channels)
            }
        }
        shapes.residualBlock("\(name).mid_block.resnets.1", channels, channels, timeWidth: nil)
    }
}
