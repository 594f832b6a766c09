package import Layers
package import Torch

/// All adapters of a model, over one flat array of fp32.
///
/// Each A and B is a view into `weights` at the place that the shape table gives it, and a leaf of the tape of its own. So
/// new weights are one copy in, and a gradient is one array out.
package final class AdapterSet {
    /// What lies where in `weights`.
    package let table: ShapeTable
    /// `[table.count]`, fp32, on the device that trains.
    package let weights: Tensor
    /// Every A and B, in the order of `table.entries`; what gradients are asked for.
    package let leaves: [Tensor]
    private let adapters: [LowRankAdapter]
    private let indices: [String: Int]
    private var placed: Set<Int> = []

    /// - Parameter floats: `table.count` numbers.
    package init(_ table: ShapeTable, floats: [Float], device: Device = .cpu) throws {
        guard floats.count == table.count else {
            throw AdapterError.wrongCount(expected: table.count, actual: floats.count)
        }
        self.table = table
        let weights = try Tensor.of(floats, shape: [table.count]).to(device)
        self.weights = weights
        let leaves = try table.entries.map { entry in
            let matrix = [entry.shape[0], entry.shape.dropFirst().reduce(1, *)]
            let leaf = try weights.narrowed(0, from: entry.offset, length: entry.count).reshaped(matrix).detached()
            leaf.requiresGradient = true
            return leaf
        }
        self.leaves = leaves
        var halves: [Int: [AdapterGroup.Half: Tensor]] = [:]
        for (entry, leaf) in zip(table.entries, leaves) { halves[entry.layer, default: [:]][entry.group.half] = leaf }
        adapters = table.layers.indices.compactMap { index in
            guard let down = halves[index]?[.down], let up = halves[index]?[.up] else { return nil }
            return LowRankAdapter(down: down, up: up, scale: table.layers[index].scale)
        }
        indices = Dictionary(uniqueKeysWithValues: table.layers.enumerated().map { ($1.key, $0) })
    }

    /// Takes over new weights, `table.count` numbers.
    package func load(_ floats: UnsafeBufferPointer<Float>) throws {
        guard floats.count == table.count else {
            throw AdapterError.wrongCount(expected: table.count, actual: floats.count)
        }
        if weights.device == .cpu {
            try weights.withMutableFloats { _ = $0.update(fromContentsOf: floats) }
        } else {
            try withoutGradients { try weights.assign(Tensor.of(Array(floats), shape: [floats.count])) }
        }
    }

    /// The weights, in the table's layout.
    package func floats() throws -> [Float] { try weights.floats() }

    /// The gradient of a one-element `loss`, `[table.count]` in fp32 on the weights' device, in the table's layout.
    ///
    /// Numbers that the loss does not depend on get zero (a text encoder's last layer under clip skip, for one).
    package func gradient(of loss: Tensor) throws -> Tensor {
        let gradients = try Torch.gradients(of: loss, withRespectTo: leaves)
        let flat = try zip(leaves, gradients).map { leaf, gradient in
            try (gradient ?? Tensor.zeros(leaf.shape, device: leaf.device)).to(.float32).reshaped([-1])
        }
        return try Tensor.concatenate(flat, along: 0)
    }

    /// ``gradient(of:)``, written down as it is found.
    ///
    /// - Parameters:
    ///   - flat: `table.count` floats, all of which are overwritten.
    ///   - finished: told which of them are as they will stay while the backward pass goes on, a leaf at a time, the last
    ///     layers of the model first; on the processor only, since elsewhere each leaf would have to be waited for.
    package func gradient(
        of loss: Tensor, into flat: UnsafeMutableBufferPointer<Float>, finished: (Range<Int>) -> Void
    ) throws {
        guard flat.count == table.count else {
            throw AdapterError.wrongCount(expected: table.count, actual: flat.count)
        }
        guard weights.device == .cpu else {
            return try gradient(of: loss).withFloats { _ = flat.update(fromContentsOf: $0) }
        }
        var isFound = Array(repeating: false, count: leaves.count)
        try Torch.gradients(of: loss, withRespectTo: leaves) { index, gradient in
            let range = table.entries[index].range
            try gradient.to(.float32).withFloats { floats in
                _ = UnsafeMutableBufferPointer(rebasing: flat[range]).update(fromContentsOf: floats)
            }
            isFound[index] = true
            finished(range)
        }
        for (entry, isFound) in zip(table.entries, isFound) where !isFound {
            UnsafeMutableBufferPointer(rebasing: flat[entry.range]).update(repeating: 0)
        }
    }

    /// How much of the change is made in every layer; 0 gives the base model, bit for bit.
    package var multiplier = 1.0 {
        didSet { for adapter in adapters { adapter.multiplier = multiplier } }
    }

    /// The leaves below `path` in `part`: what a checkpointed block reaches by itself.
    package func leaves(of part: AdaptedPart, under path: String) -> [Tensor] {
        zip(table.entries, leaves).filter { entry, _ in
            let layer = table.layers[entry.layer]
            return layer.part == part && (layer.path == path || layer.path.hasPrefix(path + "."))
        }.map(\.1)
    }

    /// What to hand to `Weights` when `part` is built.
    package func plan(for part: AdaptedPart) -> any AdaptationPlan { Plan(set: self, part: part) }

    /// Makes sure that every adapter found its layer in the models that were built.
    package func requireAllPlaced() throws(AdapterError) {
        let lost = table.layers.enumerated().filter { !placed.contains($0.offset) }.map(\.element.key)
        guard let first = lost.first else { return }
        throw .notPlaced(key: first, others: lost.count - 1, source: "the adapter")
    }

    /// The adapter of a layer; nil for one that stays as it is.
    package func adapter(of part: AdaptedPart, at path: String) -> LowRankAdapter? {
        indices[part.key(of: path)].map { adapters[$0] }
    }

    private final class Plan: AdaptationPlan {
        let set: AdapterSet
        let part: AdaptedPart

        init(set: AdapterSet, part: AdaptedPart) {
            self.set = set
            self.part = part
        }

        func adaptation(at path: String, shape: [Int]) throws -> (any Adaptation)? {
            guard let index = set.indices[part.key(of: path)] else { return nil }
            let layer = set.table.layers[index]
            guard layer.shape.droppingUnitKernel == shape.droppingUnitKernel else {
                throw AdapterError.placedOnShape(key: layer.key, wanted: layer.shape, found: shape)
            }
            set.placed.insert(index)
            return set.adapters[index]
        }
    }
}
