package import Safetensors

extension LoRAFile {
    /// Writes a LoRA file in kohya's format, whole or not at all, from the flat array alone.
    ///
    /// Every A and B under its key in `precision`, and for each layer its `alpha`. The hashes by which tools know the file
    /// (`sshs_model_hash`, `sshs_legacy_hash`) are added to the metadata.
    ///
    /// - Parameters:
    ///   - weights: `table.count` numbers.
    ///   - metadata: see `AdapterMetadata`.
    /// - Throws: `AdapterError` when the numbers are too few or too many, or one is not finite or beyond fp16's range;
    ///   `SafetensorsError` when the file cannot be written.
    package static func write(
        _ table: ShapeTable, weights: [Float], precision: SavePrecision, metadata: [String: String], to path: String
    ) throws {
        let tensors = try tensors(table, weights: weights, precision: precision)
        let hashes = try TensorHashes(
            of: SafetensorsWriter(tensors, metadata: metadata.filter { $0.key.hasPrefix("ss_") }))
        let hashed = metadata.merging(
            ["sshs_model_hash": hashes.model, "sshs_legacy_hash": hashes.legacy], uniquingKeysWith: { $1 })
        try SafetensorsWriter(tensors, metadata: hashed).write(to: path)
    }

    /// The tensors of a LoRA file in kohya's format.
    package static func tensors(
        _ table: ShapeTable, weights: [Float], precision: SavePrecision
    ) throws(AdapterError) -> [OutgoingTensor] {
        guard weights.count == table.count else {
            throw .wrongCount(expected: table.count, actual: weights.count)
        }
        var tensors: [OutgoingTensor] = []
        for entry in table.entries {
            for value in weights[entry.range] where !(abs(value) <= precision.greatestFinite) {
                throw .notStorable(key: entry.name, value: value, precision: precision)
            }
            tensors.append(
                OutgoingTensor(name: entry.name, type: precision.storedType, shape: entry.shape) { write in
                    try weights.withUnsafeBufferPointer { weights in
                        try encode(UnsafeBufferPointer(rebasing: weights[entry.range]), as: precision.storedType)
                            .withUnsafeBytes(write)
                    }
                })
        }
        return tensors
            + table.layers.map { layer in
                OutgoingTensor(
                    name: "\(layer.key).alpha", shape: [], floats: [Float(layer.alpha)], as: precision.storedType)
            }
    }
}

extension SavePrecision {
    /// The largest number that does not become infinite in this format.
    fileprivate var greatestFinite: Float {
        switch self {
        case .fp32: .greatestFiniteMagnitude
        // Half way to the next number there would be; beyond it, rounding gives infinity.
        case .fp16: 65519.996
        case .bf16: Float(bitPattern: 0x7F7F_7FFF)
        }
    }
}
