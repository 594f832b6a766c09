import Foundation
import StableDiffusion

/// kohya's sample-prompt file: a prompt a line, with `--n --w --h --d --s --l --ss --am` behind it; `#` begins a comment.
///
/// A comment `# group: NAME` puts the prompts after it in a group, which compare reports on apart.
struct PromptFile {
    /// One line.
    struct Prompt {
        let request: SamplingRequest
        let group: String?
    }

    let prompts: [Prompt]

    /// - Parameter standard: what a prompt that says nothing else asks for.
    init(path: String, standard: (String) throws -> SamplingRequest) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure("\(path): there is no such file; give one with a prompt on each line")
        }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Failure("\(path): cannot be read as UTF-8 text; give a file with a prompt on each line")
        }
        var prompts: [Prompt] = []
        var group: String?
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("# group:") { group = line.dropFirst(8).trimmingCharacters(in: .whitespaces) }
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            prompts.append(Prompt(request: try Self.request(line, "\(path):\(index + 1)", standard), group: group))
        }
        guard !prompts.isEmpty else { throw Failure("\(path): there is no prompt in it; write one on each line") }
        self.prompts = prompts
    }

    /// kohya's `line_to_prompt_dict`.
    static func request(
        _ line: String, _ place: String, _ standard: (String) throws -> SamplingRequest
    ) throws -> SamplingRequest {
        let parts = line.components(separatedBy: " --")
        var request = try standard(parts[0].trimmingCharacters(in: .whitespaces))
        for part in parts.dropFirst() {
            let words = part.split(separator: " ", maxSplits: 1)
            let key = words.first.map(String.init) ?? ""
            let value = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : ""
            func number<Number: LosslessStringConvertible>(_ type: Number.Type) throws -> Number {
                guard let number = Number(value), (number as? Double)?.isFinite ?? true else {
                    throw Failure("\(place): --\(key) = '\(value)' is no number of the kind that belongs there")
                }
                return number
            }
            switch key {
            case "n": request.negativePrompt = value
            case "w": request.width = try number(Int.self)
            case "h": request.height = try number(Int.self)
            case "d": request.seed = try number(UInt64.self)
            case "s": request.steps = try number(Int.self)
            case "l": request.guidance = try number(Double.self)
            case "am": request.adapterWeight = try number(Double.self)
            case "ss":
                guard let kind = SamplerKind(named: value) else {
                    throw Failure("\(place): --ss = '\(value)': there are ddim, euler, euler_a and dpmsolver++")
                }
                request.sampler = kind
            default: throw Failure("\(place): --\(key) is unknown; there are --n --w --h --d --s --l --ss --am")
            }
        }
        return request
    }
}
