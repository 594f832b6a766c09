import Adapters
import ArgumentParser
import Foundation
import Safetensors

/// What a LoRA or any other safetensors file holds and says of itself.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a safetensors file holds: tensors, metadata, hashes.")

    @Argument(help: "A .safetensors file.")
    var file: String

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Show every value of the metadata, however long.")
    var metadata = false

    func run() throws {
        let opened = try SafetensorsFile(path: file)
        let bytes = opened.allBytes.count
        Console.output.line("\(file): \(opened.names.count) tensors, \(bytes) bytes")
        Console.output.line("tensors' SHA-256: \(opened.tensorDataHash)")
        if let lora = try? LoRAFile(path: file), !lora.modules.isEmpty {
            let ranks = Set(lora.modules.values.map(\.rank)).sorted().map(String.init).joined(separator: ", ")
            let alphas = Set(lora.modules.values.map(\.alpha)).sorted().map { "\($0)" }.joined(separator: ", ")
            let text = lora.modules.keys.filter { $0.hasPrefix("lora_te") }.count
            Console.output.line(
                "LoRA: \(lora.modules.count) layers (\(text) of the text encoder), rank \(ranks), alpha \(alphas)")
        }
        for (key, value) in opened.metadata.sorted(by: { $0.key < $1.key }) {
            Console.output.line("\(key) = \(metadata || value.count <= 100 ? value : value.prefix(100) + "…")")
        }
        guard tensors else { return }
        for name in opened.names {
            guard let entry = opened.entries[name] else { continue }
            Console.output.line("\(name) \(entry.type) \(entry.shape)")
        }
    }
}
