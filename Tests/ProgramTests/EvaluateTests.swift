import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `evaluates LoRA files` {
        private let furnace: Furnace
        private static let lora = Furnace.fixtures.appending(path: "training/tiny-sd1.adapter.safetensors").path

        init() throws {
            furnace = try Furnace()
            try furnace.write()
        }

        private func evaluate(_ more: String...) throws -> Launched.Ended {
            let words = ["evaluate", Self.lora, "--pictures", "2", "--timesteps", "2", "--threads", "1"]
            return try Launched(words + more, in: furnace.folder).end()
        }

        @Test func `as a table, as JSON of the same bytes every time, and as bars`() throws {
            let table = try evaluate("--recipe", "recipe.toml", "--chart", "bars.svg")
            #expect(table.status == 0)
            #expect(table.output.contains("trigger 'a horse', weight 1.00") && table.output.contains("fidelity  ease"))
            #expect(try String(contentsOfFile: furnace.path("bars.svg"), encoding: .utf8).hasPrefix("<svg"))
            let first = try evaluate("--recipe", "recipe.toml", "--json", "--beside", Self.lora + ":0.5")
            let second = try evaluate("--recipe", "recipe.toml", "--json", "--beside", Self.lora + ":0.5")
            #expect(first.status == 0 && first.output == second.output && first.output.contains("\"company\""))
        }

        @Test func `with a sentence for what cannot be`() throws {
            func refusal(_ words: String...) throws -> String {
                let ended = try Launched(["evaluate"] + words, in: furnace.folder).end()
                #expect(ended.status != 0 && ended.output.isEmpty)
                return ended.errors
            }
            #expect(try refusal(Self.lora, "--recipe", "none.toml").contains("none.toml"))
            #expect(try refusal("none.safetensors", "--recipe", "recipe.toml").contains("none.safetensors"))
            #expect(
                try refusal(Self.lora, "--recipe", "recipe.toml", "--unrelated", "none.txt").contains(
                    "--unrelated none.txt"))
            furnace.settings["train_data_dir"] = "\"empty\""
            try FileManager.default.createDirectory(
                atPath: furnace.path("empty/1_horse"), withIntermediateDirectories: true)
            try furnace.write()
            #expect(try refusal(Self.lora, "--recipe", "recipe.toml").contains("has no pictures"))
        }
    }
}
