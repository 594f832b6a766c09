/// Why LoRAs cannot be evaluated, in one sentence that says what to do.
package enum EvaluationError: Error, Equatable, CustomStringConvertible {
    case noTrigger(folder: String)
    case noPrompts(kind: String, option: String)
    case notFinite(file: String)
    case outOfRange(option: String, value: String, allowed: String)

    package var description: String {
        switch self {
        case .noTrigger(let folder):
            "the captions in \(folder) have no word in common that could call the LoRA: say which one does with --trigger"
        case .noPrompts(let kind, let option):
            "there are no \(kind) to evaluate with: name a file with one on each line with \(option)"
        case .notFinite(let file):
            "\(file): the model's predictions are not finite with this LoRA: it is damaged, or try --weight 0.5 or fp32"
        case .outOfRange(let option, let value, let allowed):
            "\(option) \(value) must lie in \(allowed)"
        }
    }
}
