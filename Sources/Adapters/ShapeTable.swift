import Crypto
package import Safetensors

/// Which trained numbers share a learning rate: one half of the adapters of one part.
package struct AdapterGroup: Hashable, Sendable, CustomStringConvertible {
    /// A or B; LoRA+ gives B a learning rate of its own.
    package enum Half: String, Sendable, CaseIterable {
        case down
        case up
    }

    package let part: AdaptedPart
    package let half: Half

    package init(_ part: AdaptedPart, _ half: Half) {
        self.part = part
        self.half = half
    }

    package var description: String { "\(part.rawValue) lora_\(half.rawValue)" }
}

/// Where each adapter's numbers lie in the one flat array of fp32 that is trained, sent and saved.
///
/// First all A of the text encoder, then all its B, then all A of the UNet, then all its B, each in the order of
/// `layers`; so every parameter group is one range. The table follows from names and shapes alone: who has it can make
/// a LoRA file from the flat array without the base model.
package struct ShapeTable: Equatable, Sendable {
    /// One A or B.
    package struct Entry: Equatable, Sendable {
        /// Its key in a LoRA file: `lora_unet_….lora_down.weight`.
        package let name: String
        package let shape: [Int]
        /// Its first number's place in the flat array.
        package let offset: Int
        package let group: AdapterGroup
        /// The index of its layer in `layers`.
        package let layer: Int

        /// How many numbers it has.
        package var count: Int { shape.reduce(1, *) }
        package var range: Range<Int> { offset..<offset + count }
    }

    /// What is adapted, in the order in which kohya's scripts make their modules.
    package let layers: [AdaptedLayer]
    /// Every A and B, by offset.
    package let entries: [Entry]
    /// How many numbers are trained.
    package let count: Int

    /// - Throws: `AdapterError` when there are no layers, a rank is not in 1...`highestRank`, two layers have one key, or
    ///   a shape is none that a layer has.
    package init(_ layers: [AdaptedLayer]) throws(AdapterError) {
        guard !layers.isEmpty else { throw .nothingToAdapt }
        var keys: Set<String> = []
        for layer in layers {
            guard (1...Self.highestRank).contains(layer.rank) else {
                throw .rank(layer: layer.key, rank: layer.rank)
            }
            guard Self.alphas.contains(layer.alpha) else {
                throw .alpha(layer: layer.key, alpha: layer.alpha)
            }
            guard [2, 4].contains(layer.shape.count), layer.shape.allSatisfy({ (1...Self.widestLayer).contains($0) })
            else {
                throw .layerShape(layer: layer.key, shape: layer.shape)
            }
            guard keys.insert(layer.key).inserted else { throw .duplicateLayer(layer.key) }
        }
        var entries: [Entry] = []
        var offset = 0
        for part in AdaptedPart.allCases {
            for half in AdapterGroup.Half.allCases {
                for (index, layer) in layers.enumerated() where layer.part == part {
                    let entry = Entry(
                        name: "\(layer.key).lora_\(half.rawValue).weight",
                        shape: half == .down ? layer.downShape : layer.upShape,
                        offset: offset, group: AdapterGroup(part, half), layer: index)
                    entries.append(entry)
                    offset += entry.count
                    guard offset <= Self.most else { throw .tooManyParameters }
                }
            }
        }
        self.layers = layers
        self.entries = entries
        count = offset
    }

    /// The alphas that are accepted: what every format of a LoRA file can hold.
    package static let alphas = 1e-6...65504
    /// The highest rank that is accepted.
    package static let highestRank = 4096
    // With 4 extents of at most 2^16, rank 2^12 and a bound on every sum no product overflows: 2^12 · 2^48 < 2^63.
    private static let widestLayer = 1 << 16
    private static let most = 1 << 34

    /// The groups that have numbers, each with the range of the flat array that it is.
    package var groups: [(group: AdapterGroup, range: Range<Int>)] {
        AdaptedPart.allCases.flatMap { part in AdapterGroup.Half.allCases.map { AdapterGroup(part, $0) } }
            .compactMap { group in
                let members = entries.filter { $0.group == group }
                guard let first = members.first, let last = members.last else { return nil }
                return (group, first.offset..<last.range.upperBound)
            }
    }

    /// The entry that the flat array's number `index` belongs to; for messages.
    package func entry(containing index: Int) -> Entry? { entries.first { $0.range.contains(index) } }

    /// The size of the tensors of a LoRA file, an α for each layer included, in bytes.
    package func dataByteCount(as precision: SavePrecision) -> Int {
        (count + layers.count) * precision.storedType.bitWidth / 8
    }

    /// SHA-256 over names, shapes, offsets and α, in hexadecimal: two boxes with one hash mean the same by a flat array.
    package var hash: String {
        var text = ""
        for entry in entries {
            text += "\(entry.name) \(entry.shape) \(entry.offset) \(layers[entry.layer].alpha)\n"
        }
        return SHA256.hash(data: Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension ShapeTable: Codable {
    /// Only the layers are stored; the rest follows, so that no table can be read that contradicts itself.
    package init(from decoder: any Decoder) throws {
        try self.init([AdaptedLayer](from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        try layers.encode(to: encoder)
    }
}

/// The number format of a LoRA file, kohya's `save_precision`.
package enum SavePrecision: String, Codable, Sendable, CaseIterable {
    case fp32
    case fp16
    case bf16

    package var storedType: StoredType {
        switch self {
        case .fp32: .float32
        case .fp16: .float16
        case .bf16: .bfloat16
        }
    }
}
