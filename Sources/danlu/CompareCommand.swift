import ArgumentParser
import Foundation
import Images
import StableDiffusion

/// The same prompts and seeds, without a LoRA and with it, on one sheet.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Show what a LoRA changes: the same prompts and seeds, base and LoRA.")

    @OptionGroup var options: PictureOptions

    @Option(help: "A LoRA file, and how much of it: FILE or FILE:0.8. May be said again.")
    var lora: [WeightedLoRA]

    @Option(help: "A file with a prompt on each line; '# group: NAME' begins a group that is reported on apart.")
    var prompts: String

    @Option(name: .shortAndLong, help: "The sheet.")
    var output = "compare.png"

    func run() throws {
        let prompts = try PromptFile(path: prompts, standard: options.request).prompts
        let base = try PictureMaker(options, loras: [])
        let before = try prompts.map { try base.picture($0.request) }
        let adapted = try PictureMaker(options, loras: lora)
        let after = try prompts.map { try adapted.picture($0.request) }

        let cells =
            zip(prompts, before).map { ContactSheet.Cell($1, caption: $0.request.prompt) }
            + zip(prompts, after).map { ContactSheet.Cell($1, caption: "with the LoRA") }
        let sheet = try ContactSheet(columns: prompts.count, cells: cells).rendered()
        if let note = sheet.note { Console.error.line("note: \(note)") }
        try sheet.image.writePNG(to: output, text: ["lora": lora.map(\.path).joined(separator: ", ")])
        Console.output.line(changes(prompts, before, after))
        Console.output.line(output)
    }

    /// How far each group's pictures moved: the mean difference of their pixels, in levels of 255.
    private func changes(_ prompts: [PromptFile.Prompt], _ before: [PixelImage], _ after: [PixelImage]) -> String {
        var groups: [(name: String, moves: [Double])] = []
        for (prompt, pair) in zip(prompts, zip(before, after)) {
            let name = prompt.group ?? "all"
            let move = meanDifference(pair.0, pair.1)
            if let index = groups.firstIndex(where: { $0.name == name }) {
                groups[index].moves.append(move)
            } else {
                groups.append((name, [move]))
            }
        }
        let parts = groups.map { group in
            "\(group.name) by \((group.moves.reduce(0, +) / Double(group.moves.count)).formatted(.number.precision(.fractionLength(1))))"
        }
        return "The LoRA moved, of 255 levels: " + parts.joined(separator: ", ") + "."
    }

    private func meanDifference(_ a: PixelImage, _ b: PixelImage) -> Double {
        let sum = zip(a.samples, b.samples).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        return Double(sum) / Double(max(1, a.samples.count))
    }
}
