import Coordination
import Foundation
import Images
import Recipe
import StableDiffusion
import Training

/// A picture that a coordinator asks a worker for.
struct PictureRequest: Codable {
    let sampling: SamplingRequest
    /// What goes into the PNG beside the pixels.
    let text: [String: String]

    var encoded: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try encoder.encode(self)
        }
    }
}

/// A picture that is made between slots.
final class LearnersPicture: Painting {
    private let picture: PictureInProgress
    private let text: [String: String]

    init(_ request: Data, weights: [Float], learner: DiffusionLearner) throws {
        let request = try JSONDecoder().decode(PictureRequest.self, from: request)
        text = request.text
        picture = try learner.picture(request.sampling, weights: weights)
    }

    func advance() throws -> [UInt8]? { try picture.advance()?.png(text: text) }
}

extension SamplingRequest {
    /// What a picture says of itself, in A1111's words.
    ///
    /// - Parameter model: the base model and the LoRAs on it.
    func parameters(model: String) -> [String: String] {
        var text = prompt
        if !negativePrompt.isEmpty { text += "\nNegative prompt: \(negativePrompt)" }
        text += "\nSteps: \(steps), Sampler: \(sampler.rawValue), CFG scale: \(guidance), "
        text += "Seed: \(seed), Size: \(width)x\(height), Model: \(model), "
        text += "Clip skip: \(clipSkip), Version: danlu \(Danlu.version)"
        return ["parameters": text]
    }

    /// The line of kohya's prompt file that asks for this, every setting said.
    var line: String {
        var line = prompt
        if !negativePrompt.isEmpty { line += " --n \(negativePrompt)" }
        line += " --w \(width) --h \(height) --d \(seed) --s \(steps) --l \(guidance) --ss \(sampler.rawValue)"
        return adapterWeight == 1 ? line : line + " --am \(adapterWeight)"
    }
}
