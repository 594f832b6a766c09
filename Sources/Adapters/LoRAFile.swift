package import Safetensors

/// A LoRA file as it lies on disk: which layers it adapts, at what rank and scale.
///
/// Its numbers are read when asked for. kohya's keys are read, and diffusers' and PEFT's dotted ones; rank and α may differ from layer to layer.
package struct LoRAFile: Sendable {
    /// The change to one layer.
    package struct Module: Sendable, Equatable {
        /// The layer under kohya's name, whatever the file calls it.
        package let key: String
        package let down: TensorEntry
        package let up: TensorEntry
        /// α; the rank where the file says none.
        package let alpha: Double

        package var rank: Int { down.shape[0] }
        /// `α / rank`.
        package var scale: Double { alpha / Double(rank) }
    }

    package let path: String
    /// The modules by kohya's name of their layer.
    package let modules: [String: Module]
    private let file: SafetensorsFile

    /// Free text beside the tensors: `ss_*` and others.
    package var metadata: [String: String] { file.metadata }

    /// - Throws: `SafetensorsError`, or `AdapterError` naming the key that is not understood or lacks its other half.
    package init(path: String) throws {
        self.path = path
        file = try SafetensorsFile(path: path)
        var downs: [String: TensorEntry] = [:]
        var ups: [String: TensorEntry] = [:]
        var alphas: [String: TensorEntry] = [:]
        for entry in file.header.tensors {
            guard let key = LoRAKey(entry.name) else {
                throw AdapterError.unknownKey(file: path, key: entry.name)
            }
            switch key.role {
            case .down: downs[key.layer] = entry
            case .up: ups[key.layer] = entry
            case .alpha: alphas[key.layer] = entry
            case .other(let method): throw AdapterError.otherMethod(file: path, key: entry.name, method: method)
            }
        }
        var modules: [String: Module] = [:]
        for (key, down) in downs.sorted(by: { $0.key < $1.key }) {
            guard let up = ups[key] else {
                throw AdapterError.incomplete(file: path, key: down.name, lacks: "lora_up")
            }
            guard down.shape.count >= 2, up.shape.count >= 2, down.shape[0] == up.shape[1], down.shape[0] > 0 else {
                throw AdapterError.ranksDiffer(file: path, key: key, down: down.shape, up: up.shape)
            }
            var alpha = 0.0
            if let entry = alphas[key] {
                let values = try file.floats(of: entry.name)
                guard values.count == 1, values[0].isFinite, values[0] >= 0 else {
                    throw AdapterError.badAlpha(file: path, key: entry.name)
                }
                alpha = Double(values[0])
            }
            modules[key] = Module(key: key, down: down, up: up, alpha: alpha == 0 ? Double(down.shape[0]) : alpha)
        }
        for entry in (ups.filter { downs[$0.key] == nil }).values.sorted(by: { $0.name < $1.name }) {
            throw AdapterError.incomplete(file: path, key: entry.name, lacks: "lora_down")
        }
        guard !modules.isEmpty else { throw AdapterError.noAdapters(file: path) }
        self.modules = modules
    }

    /// The numbers of A or B of one of this file's modules, in row-major order.
    package func floats(of entry: TensorEntry) throws(SafetensorsError) -> [Float] {
        try file.floats(of: entry.name)
    }

    /// SHA-256 over the tensors, in hexadecimal.
    package var tensorDataHash: String { file.tensorDataHash }

    /// The module for a layer, after making sure that it fits.
    ///
    /// - Parameter shape: the layer's frozen weight's.
    /// - Returns: nil when the file does not adapt the layer.
    package func module(for key: String, shape: [Int]) throws(AdapterError) -> Module? {
        guard let module = modules[key] else { return nil }
        let layer = AdaptedLayer(part: .unet, path: "", shape: shape, rank: module.rank, alpha: module.alpha)
        for (entry, wanted) in [(module.down, layer.downShape), (module.up, layer.upShape)] {
            guard entry.shape.droppingUnitKernel == wanted.droppingUnitKernel else {
                throw .doesNotFit(file: path, key: entry.name, found: entry.shape, wanted: wanted)
            }
        }
        return module
    }
}

extension [Int] {
    /// The shape of a 1×1 convolution's weight as the linear layer that it is.
    var droppingUnitKernel: [Int] { count == 4 && suffix(2) == [1, 1] ? Array(prefix(2)) : self }
}

extension ShapeTable {
    /// A flat array that continues from `file`, kohya's `network_weights`.
    ///
    /// Layers that the file does not adapt keep the numbers of `initial`. Where the file's α/rank is not the table's, B is
    /// multiplied by what keeps the change the same.
    ///
    /// - Throws: `AdapterError` naming the key and both shapes when rank or layer differ, or when the file adapts layers
    ///   that are not in the table.
    package func weights(continuing file: LoRAFile, initial: [Float]) throws -> [Float] {
        guard initial.count == count else { throw AdapterError.wrongCount(expected: count, actual: initial.count) }
        let keys = Set(layers.map(\.key))
        let strangers = file.modules.keys.filter { !keys.contains($0) }.sorted()
        guard strangers.count < file.modules.count else {
            throw AdapterError.nothingInCommon(file: file.path, parts: AdaptedPart.allCases.filter(parts.contains))
        }
        if let first = strangers.first {
            throw AdapterError.noSuchLayer(file: file.path, key: first, others: strangers.count - 1)
        }
        var weights = initial
        for entry in entries {
            let layer = layers[entry.layer]
            guard let module = try file.module(for: layer.key, shape: layer.shape) else { continue }
            let stored = entry.group.half == .down ? module.down : module.up
            guard module.rank == layer.rank else {
                throw AdapterError.doesNotFit(
                    file: file.path, key: stored.name, found: stored.shape, wanted: entry.shape)
            }
            let factor = entry.group.half == .up ? Float(module.scale / layer.scale) : 1
            for (index, number) in zip(entry.range, try file.floats(of: stored)) { weights[index] = number * factor }
        }
        return weights
    }

    private var parts: Set<AdaptedPart> { Set(layers.map(\.part)) }
}
