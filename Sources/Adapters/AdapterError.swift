/// An adapter that cannot be: what is wrong, where, and what to do.
package enum AdapterError: Error, Equatable, CustomStringConvertible {
    case nothingToAdapt
    case rank(layer: String, rank: Int)
    case alpha(layer: String, alpha: Double)
    case layerShape(layer: String, shape: [Int])
    case duplicateLayer(String)
    case tooManyParameters
    case wrongCount(expected: Int, actual: Int)
    case notPlaced(key: String, others: Int, source: String)
    case placedOnShape(key: String, wanted: [Int], found: [Int])
    case notStorable(key: String, value: Float, precision: SavePrecision)

    case noAdapters(file: String)
    case unknownKey(file: String, key: String)
    case otherMethod(file: String, key: String, method: String)
    case incomplete(file: String, key: String, lacks: String)
    case ranksDiffer(file: String, key: String, down: [Int], up: [Int])
    case badAlpha(file: String, key: String)
    case doesNotFit(file: String, key: String, found: [Int], wanted: [Int])
    case noSuchLayer(file: String, key: String, others: Int)
    case nothingInCommon(file: String, parts: [AdaptedPart])

    package var description: String {
        switch self {
        case .nothingToAdapt:
            "The model has no layer that a LoRA adapts; train the UNet or the text encoder."
        case .rank(let layer, let rank):
            "The rank of '\(layer)' is \(rank) and must lie in 1...\(ShapeTable.highestRank)."
        case .alpha(let layer, let alpha):
            "The alpha of '\(layer)' is \(alpha) and must lie in \(ShapeTable.alphas)."
        case .layerShape(let layer, let shape):
            "The layer '\(layer)' has a weight of shape \(shape), which is neither a linear layer's nor a convolution's."
        case .duplicateLayer(let layer):
            "The layer '\(layer)' is to be adapted twice; name it once."
        case .tooManyParameters:
            "The adapter would have more than 17 billion parameters; choose a lower rank."
        case .wrongCount(let expected, let actual):
            "\(actual) numbers were given for an adapter of \(expected) parameters; "
                + "they belong to another rank or another set of layers."
        case .notPlaced(let key, let others, let source):
            "\(source): the model has no layer for '\(key)'\(Self.more(others)); it was made for another base model."
        case .placedOnShape(let key, let wanted, let found):
            "The adapter '\(key)' is for a weight of shape \(wanted), but the model's layer has \(found); "
                + "the base model is another than the one the run was planned for."
        case .notStorable(let key, let value, let precision):
            "The number \(value) in '\(key)' cannot be stored as \(precision.rawValue); "
                + "choose save_precision fp32 or bf16, and look at the learning rate."
        case .noAdapters(let file):
            "\(file): has no LoRA in it; name a LoRA file, not a checkpoint."
        case .unknownKey(let file, let key):
            "\(file): '\(key)' is no key of a LoRA for Stable Diffusion 1.x or 2.x; the file is of another kind."
        case .otherMethod(let file, let key, let method):
            "\(file): '\(key)' belongs to \(method), which is not read; convert the file to plain LoRA."
        case .incomplete(let file, let key, let lacks):
            "\(file): '\(key)' has no \(lacks) beside it; the file is incomplete, get it again."
        case .ranksDiffer(let file, let key, let down, let up):
            "\(file): the two halves of '\(key)' do not belong together: shapes \(down) and \(up) have different ranks."
        case .badAlpha(let file, let key):
            "\(file): '\(key)' is not one positive number."
        case .doesNotFit(let file, let key, let found, let wanted):
            "\(file): '\(key)' has shape \(found), but the model takes \(wanted) there; "
                + "use the base model that the LoRA was made for."
        case .noSuchLayer(let file, let key, let others):
            "\(file): '\(key)' has no layer\(Self.more(others)) among those that are trained; "
                + "train the parts and layers that the file adapts, or start from another file."
        case .nothingInCommon(let file, let parts):
            "\(file): adapts nothing of what is trained (\(parts.map(\.rawValue).joined(separator: ", "))); "
                + "start from another file."
        }
    }

    private static func more(_ others: Int) -> String { others == 0 ? "" : " (nor for \(others) more)" }
}
