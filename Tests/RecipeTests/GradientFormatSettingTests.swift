import Recipe
import Testing

@Suite struct `The format of gradients` {
    private let plain = "pretrained_model_name_or_path = \"m\"\ntrain_data_dir = \"d\"\n"

    @Test func `is fp32 unless the recipe says otherwise, and then a note says what that means`() throws {
        let (usual, silence) = try RecipeReader.read(file: nil, arguments: arguments())
        #expect(usual.cluster.gradientFormat == .fp32 && silence.isEmpty)
        let (recipe, notes) = try RecipeReader.read(file: nil, arguments: arguments("--gradient_format", "int8"))
        #expect(recipe.cluster.gradientFormat == .int8)
        #expect(notes.count == 1 && notes[0].contains("rounded to int8") && notes[0].contains("never exact"))
        #expect(try RecipeReader.read(toml: recipe.toml) == recipe)
    }

    @Test func `of changes of the weights is its own setting, with a note of its own`() throws {
        let (recipe, notes) = try RecipeReader.read(file: nil, arguments: arguments("--update_format", "bf16"))
        #expect(recipe.cluster.updateFormat == .bf16 && recipe.cluster.gradientFormat == .fp32)
        #expect(notes.count == 1 && notes[0].contains("rounded to bf16") && notes[0].contains("never exact"))
        #expect(try RecipeReader.read(toml: recipe.toml) == recipe)
    }

    private func arguments(_ more: String...) -> [String] {
        ["--pretrained_model_name_or_path", "m", "--train_data_dir", "d"] + more
    }

    @Test(arguments: [
        ("gradient_format = \"bf16\"\nexact = true", "is never exact"), ("gradient_format = \"fp8\"", "fp32, bf16"),
        ("update_format = \"int8\"\nexact = true", "is never exact"),
    ])
    func `is refused with exact, and where there is no such format`(lines: String, sentence: String) {
        let error = #expect(throws: (any Error).self) { try RecipeReader.read(toml: plain + lines) }
        #expect(error.map { "\($0)" }?.contains(sentence) == true)
    }
}
