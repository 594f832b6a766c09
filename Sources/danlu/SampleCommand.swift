import ArgumentParser
import Foundation
import Images
import StableDiffusion
import Training

/// Pictures from a base model and LoRA files.
struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Make pictures from a base model and LoRA files.")

    @OptionGroup var options: PictureOptions

    @Option(help: "A LoRA file, and how much of it: FILE or FILE:0.8. May be said again.")
    var lora: [WeightedLoRA] = []

    @Option(help: "What to make. May be said again.")
    var prompt: [String] = []

    @Option(help: "A file with a prompt on each line (kohya's --n --w --h --d --s --l --ss may follow it).")
    var prompts: String?

    @Option(help: "What not to make.")
    var negative = ""

    @Option(name: .shortAndLong, help: "The folder for the pictures.")
    var output = "samples"

    func validate() throws {
        guard !prompt.isEmpty || prompts != nil else { throw ValidationError("say --prompt \"…\" or --prompts FILE") }
    }

    func run() throws {
        var requests = try prompt.map { prompt in
            var request = try options.request(prompt)
            request.negativePrompt = negative
            return request
        }
        if let prompts { requests += try PromptFile(path: prompts, standard: options.request).prompts.map(\.request) }
        let maker = try PictureMaker(options, loras: lora)
        do {
            try makeDirectory(output)
        } catch {
            throw Failure("--output \(output): the folder cannot be made (\(error.reason)); choose another")
        }
        for (index, request) in requests.enumerated() {
            let number = String(repeating: "0", count: max(0, 3 - "\(index)".count)) + "\(index)"
            let path = URL(filePath: output).appending(path: "\(number)-\(request.seed).png").path
            try maker.picture(request).writePNG(to: path, text: maker.parameters(request))
            Console.output.line(path)
        }
    }
}
