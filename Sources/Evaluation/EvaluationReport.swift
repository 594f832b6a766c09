import Foundation

/// LoRA files side by side: what `danlu evaluate` says.
package struct EvaluationReport: Codable, Equatable, Sendable {
    /// One file.
    package struct Entry: Codable, Equatable, Sendable {
        package var file: String
        /// SHA-256 over its tensors.
        package var tensors: String
        package var qualities: Qualities
        /// See ``Qualities/overall(best:)``.
        package var overall: Double

        package init(file: String, tensors: String, qualities: Qualities, overall: Double) {
            self.file = file
            self.tensors = tensors
            self.qualities = qualities
            self.overall = overall
        }
    }

    package var base: BaseFigures
    package var model: String
    package var pictures: Int
    package var timesteps: [Int]
    package var triggers: [String]
    package var weight: Double
    package var loras: [Entry]
    /// Which file to keep, or what is strong and weak about the only one.
    package var advice: String

    /// - Parameter measured: files by the names that people know them by, in the order in which they were said.
    package init(
        _ evaluator: Evaluator, model: String, weight: Double,
        measured: [(file: String, tensors: String, qualities: Qualities)]
    ) {
        self.init(
            base: evaluator.base, model: model, pictures: evaluator.pictures, timesteps: evaluator.timesteps,
            triggers: evaluator.triggers, weight: weight,
            entries: measured.map { Entry(file: $0.file, tensors: $0.tensors, qualities: $0.qualities, overall: 0) })
    }

    /// - Parameter entries: their overall figures are found here.
    package init(
        base: BaseFigures, model: String, pictures: Int, timesteps: [Int], triggers: [String], weight: Double,
        entries: [Entry]
    ) {
        self.base = base
        self.model = model
        self.pictures = pictures
        self.timesteps = timesteps
        self.triggers = triggers
        self.weight = weight
        let best = entries.map(\.qualities.fidelity).max() ?? 0
        loras = entries.map {
            Entry(
                file: $0.file, tensors: $0.tensors, qualities: $0.qualities, overall: $0.qualities.overall(best: best))
        }
        advice = Advice(loras).sentence
    }

    /// Sorted keys in snake_case, so that the same report has the same bytes.
    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}
