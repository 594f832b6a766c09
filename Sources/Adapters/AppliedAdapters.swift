package import Layers
package import Torch

/// LoRA files with weights, put on one part of a model for making pictures.
///
/// On a layer that several files adapt they become one adapter of the sum of their ranks.
package final class AppliedAdapters {
    private let files: [(file: LoRAFile, weight: Double)]
    private let part: AdaptedPart
    private let device: Device
    private var used: [Set<String>]
    private var made: [LowRankAdapter] = []

    /// How much of all files' change is made, beside their own weights; 0 gives the base model, bit for bit.
    package var multiplier = 1.0 {
        didSet { for adapter in made { adapter.multiplier = multiplier } }
    }

    /// - Parameter files: each with how much of its change is made; 1 is all of it.
    package init(_ files: [(file: LoRAFile, weight: Double)], part: AdaptedPart, device: Device = .cpu) {
        self.files = files
        self.part = part
        self.device = device
        used = files.map { _ in [] }
    }

    /// Makes sure that every module of every file that is for this part found its layer in the model that was built.
    package func requireAllPlaced() throws(AdapterError) {
        for (index, (file, _)) in files.enumerated() {
            let lost = file.modules.keys.filter { $0.hasPrefix(part.keyPrefix) && !used[index].contains($0) }.sorted()
            guard let first = lost.first else { continue }
            throw .notPlaced(key: first, others: lost.count - 1, source: file.path)
        }
    }

    /// The one adapter that the files make for a layer.
    fileprivate func adapter(at path: String, shape: [Int]) throws -> LowRankAdapter? {
        let key = part.key(of: path)
        var found: [(adapter: LowRankAdapter, weight: Double)] = []
        for (index, (file, weight)) in files.enumerated() {
            guard let module = try file.module(for: key, shape: shape) else { continue }
            used[index].insert(key)
            let inputs = shape.dropFirst().reduce(1, *)
            let down = try Tensor.of(file.floats(of: module.down), shape: [module.rank, inputs])
            let up = try Tensor.of(file.floats(of: module.up), shape: [shape[0], module.rank])
            found.append(
                (LowRankAdapter(down: try down.to(device), up: try up.to(device), scale: module.scale), weight))
        }
        guard !found.isEmpty else { return nil }
        let adapter = try LowRankAdapter.stacked(found)
        adapter.multiplier = multiplier
        made.append(adapter)
        return adapter
    }
}

extension AppliedAdapters: AdaptationPlan {
    package func adaptation(at path: String, shape: [Int]) throws -> (any Adaptation)? {
        try adapter(at: path, shape: shape)
    }
}

/// A model's tensors with LoRA files merged into them: what is built from it needs no adapters.
package final class MergedWeights: TensorSource {
    private let base: any TensorSource
    private let adapters: AppliedAdapters

    /// - Parameter adapters: for the part whose tensors `base` holds.
    package init(_ base: any TensorSource, with adapters: AppliedAdapters) {
        self.base = base
        self.adapters = adapters
    }

    package var name: String { base.name }

    package func shape(of tensor: String) -> [Int]? { base.shape(of: tensor) }

    package func tensor(_ name: String) throws -> Tensor {
        let tensor = try base.tensor(name)
        guard name.hasSuffix(".weight"), [2, 4].contains(tensor.shape.count),
            let adapter = try adapters.adapter(at: String(name.dropLast(".weight".count)), shape: tensor.shape)
        else { return tensor }
        return try withoutGradients { try adapter.merged(into: tensor) }
    }
}
