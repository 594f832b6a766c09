/// Parameters that share a learning rate; raw values are kohya's names for them in logs (`lr/unet`).
package enum ParameterGroup: String, Codable, CaseIterable, Hashable, Sendable {
    /// The UNet's LoRA; with LoRA+, its A (`lora_down`) alone.
    case unet
    /// With LoRA+, the UNet's B (`lora_up`).
    case unetUp = "unet plus"
    /// The text encoder's LoRA; with LoRA+, its A alone.
    case textEncoder = "textencoder"
    /// With LoRA+, the text encoder's B.
    case textEncoderUp = "textencoder plus"

    /// The half of the model a group belongs to.
    package var isTextEncoder: Bool { self == .textEncoder || self == .textEncoderUp }
    /// True for LoRA+'s B.
    package var isUp: Bool { self == .unetUp || self == .textEncoderUp }
}

extension Recipe {
    /// The groups this recipe trains, in the order of the optimizer.
    package var parameterGroups: [ParameterGroup] {
        ParameterGroup.allCases.filter { group in
            (group.isTextEncoder ? network.trainsTextEncoder : network.trainsUNet)
                && (!group.isUp || optimizer.loraPlusRatio != nil)
        }
    }

    /// The group that one half of a LoRA pair belongs to.
    ///
    /// - Parameters:
    ///   - textEncoder: whether the adapted layer is the text encoder's.
    ///   - up: whether it is B (`lora_up`).
    package func parameterGroup(textEncoder: Bool, up: Bool) -> ParameterGroup {
        let plus = up && optimizer.loraPlusRatio != nil
        return textEncoder ? (plus ? .textEncoderUp : .textEncoder) : (plus ? .unetUp : .unet)
    }
}
