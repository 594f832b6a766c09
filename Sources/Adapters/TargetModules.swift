/// The layers that a LoRA adapts when nothing else is said, as kohya's `networks.lora` chooses and orders them.
///
/// In the UNet, every linear layer and 1×1 convolution inside a transformer (`Transformer2DModel`: projections,
/// attention, feed-forward); in the text encoder, those of attention and MLP. 192 + 72 layers for SD 1.5.
package enum TargetModules {
    /// A tensor of a model: a name as in a checkpoint, and its shape.
    package typealias Parameter = (name: String, shape: [Int])

    /// The layers among `parameters`, in the order in which kohya's scripts make their modules.
    ///
    /// - Parameter parameters: all tensors of `part`, in any order; a checkpoint's header or a configuration is enough.
    package static func layers(
        of part: AdaptedPart, among parameters: some Sequence<Parameter>, rank: Int, alpha: Double
    ) -> [AdaptedLayer] {
        parameters.compactMap { parameter -> AdaptedLayer? in
            guard let path = target(parameter, in: part) else { return nil }
            return AdaptedLayer(part: part, path: path, shape: parameter.shape, rank: rank, alpha: alpha)
        }
        .sorted { order($0.path).lexicographicallyPrecedes(order($1.path)) }
    }

    /// The path of the layer whose weight `parameter` is, if it is one to adapt.
    private static func target(_ parameter: Parameter, in part: AdaptedPart) -> String? {
        let isLinear = parameter.shape.count == 2 || parameter.shape.count == 4 && parameter.shape.suffix(2) == [1, 1]
        let components = parameter.name.split(separator: ".")
        guard isLinear, components.last == "weight" else { return nil }
        let homes: Set<Substring> = part == .unet ? ["attentions"] : ["self_attn", "mlp"]
        guard components.contains(where: homes.contains) else { return nil }
        return String(parameter.name.dropLast(".weight".count))
    }

    /// A sort key that puts layers in the order in which their modules register themselves in kohya's model.
    ///
    /// There the middle block is registered after the up blocks, the feed-forward between the two attentions, and CLIP's
    /// keys before its queries.
    private static func order(_ path: String) -> [Int] {
        path.split(separator: ".").map { component in
            Int(component) ?? registration.firstIndex(of: component) ?? registration.count
        }
    }

    private static let registration: [Substring] = [
        "down_blocks", "up_blocks", "mid_block",
        "proj_in", "transformer_blocks", "proj_out",
        "attn1", "ff", "attn2", "to_q", "to_k", "to_v", "to_out",
        "self_attn", "mlp", "k_proj", "v_proj", "q_proj", "out_proj", "fc1", "fc2",
    ]
}
