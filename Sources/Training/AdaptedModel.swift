package import Adapters
import Layers
package import Recipe
package import StableDiffusion
package import Torch

/// A frozen Stable Diffusion with the adapters of a run on it: what a worker learns with.
package final class AdaptedModel {
    package let adapters: AdapterSet
    package let unet: UNet
    private let checkpoint: Checkpoint
    private var encoder: TextEncoder?
    package let device: Device
    /// The format that the frozen parts compute in; the adapters' own numbers are fp32.
    package let type: ScalarType

    /// - Parameters:
    ///   - floats: the adapters' first weights, `table.count` numbers.
    ///   - type: the format of the frozen parts.
    package init(
        _ checkpoint: Checkpoint, table: ShapeTable, floats: [Float], computing type: ScalarType, device: Device
    ) throws {
        self.device = device
        self.type = type
        adapters = try AdapterSet(table, floats: floats, device: device)
        let configuration = checkpoint.configuration
        self.checkpoint = checkpoint
        unet = try UNet(
            Weights(checkpoint.weights(of: .unet, as: type, on: device), adaptedBy: adapters.plan(for: .unet)),
            configuration.unet)
        if table.groups.contains(where: { $0.group.part == .textEncoder }) { encoder = try makeTextEncoder() }
        try adapters.requireAllPlaced()
    }

    /// The text encoder; loaded when it is first asked for, unless it is trained.
    package func textEncoder() throws -> TextEncoder {
        if let encoder { return encoder }
        let made = try makeTextEncoder()
        encoder = made
        return made
    }

    private func makeTextEncoder() throws -> TextEncoder {
        let weights = try checkpoint.weights(of: .textEncoder, as: type, on: device)
        return try TextEncoder(
            Weights(weights, adaptedBy: adapters.plan(for: .textEncoder)), checkpoint.configuration.textEncoder)
    }
}

extension Precision.Mixed {
    /// The format of the frozen weights and of what flows between the layers.
    package var scalarType: ScalarType {
        switch self {
        case .no: .float32
        case .fp16: .float16
        case .bf16: .bfloat16
        }
    }

    /// What to compute in on a device: fp32 where the processor has no arithmetic for the smaller format.
    ///
    /// libtorch then emulates it, about ten times slower than fp32 in single operators on AVX2; fp32 asks
    /// for more memory and is nearer to the truth.
    package func scalarType(on device: Device) -> ScalarType {
        guard device == .cpu, self != .no else { return scalarType }
        return self == .bf16 && LibTorch.cpuCapability.hasPrefix("AVX512") ? .bfloat16 : .float32
    }
}

extension Checkpoint {
    /// What a recipe adapts in this model, and where each number lies.
    ///
    /// - Throws: `AdapterError` when a rank is out of range.
    package func shapeTable(for network: Network) throws -> ShapeTable {
        let alpha = network.scale * Double(network.rank)
        var layers: [AdaptedLayer] = []
        if network.trainsTextEncoder {
            layers += TargetModules.layers(
                of: .textEncoder,
                among: configuration.parameters(of: .textEncoder).parameters.map { ($0.name, $0.shape) },
                rank: network.rank, alpha: alpha)
        }
        if network.trainsUNet {
            layers += TargetModules.layers(
                of: .unet, among: configuration.parameters(of: .unet).parameters.map { ($0.name, $0.shape) },
                rank: network.rank, alpha: alpha)
        }
        return try ShapeTable(layers)
    }
}

extension ShapeTable {
    /// The flat weights that a run begins with: A drawn by the seed, B zero, or those of `network_weights`.
    package func firstWeights(_ recipe: Recipe) throws -> [Float] {
        var index = 0
        let fresh = try initialWeights { _, count in
            var random = CounterRandom(seed: recipe.run.seed, purpose: .adapterInit, picture: index)
            index += 1
            return (0..<count).map { _ in random.float() }
        }
        guard let path = recipe.network.initialWeights else { return fresh }
        return try weights(continuing: LoRAFile(path: path), initial: fresh)
    }
}
