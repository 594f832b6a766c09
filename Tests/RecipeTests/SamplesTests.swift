import Recipe
import Testing

@Suite struct `Pictures while training` {
    private func read(_ more: String...) throws -> (recipe: Recipe, notes: [String]) {
        try RecipeReader.read(
            file: nil, arguments: ["--pretrained_model_name_or_path", "m", "--train_data_dir", "d"] + more)
    }

    @Test func `have kohya's keys, and change nothing of the run's name`() throws {
        let (recipe, notes) = try read(
            "--sample_prompts", "p.txt", "--sample_every_n_steps", "100", "--sample_at_first", "--sample_sampler",
            "k_euler")
        #expect(notes.isEmpty)
        #expect(recipe.samples.prompts == "p.txt" && recipe.samples.everyNSteps == 100 && recipe.samples.atFirst)
        #expect(try RecipeReader.read(toml: recipe.toml) == recipe)
        #expect(try recipe.hash == read().recipe.hash)
    }

    @Test(arguments: [
        (["--sample_every_n_steps", "5"], "sample_prompts names no file"),
        (["--sample_prompts", "auto"], "say when with sample_every_n_steps"),
        (
            ["--sample_prompts", "auto", "--sample_every_n_steps", "5", "--sample_every_n_epochs", "1"],
            "no effect beside"
        ),
    ])
    func `say so when they will not be made`(words: [String], sentence: String) throws {
        let (_, notes) = try RecipeReader.read(
            file: nil, arguments: ["--pretrained_model_name_or_path", "m", "--train_data_dir", "d"] + words)
        #expect(notes.count == 1 && notes[0].contains(sentence))
    }

    @Test func `are refused with a sampler that there is not`() {
        let error = #expect(throws: RecipeError.self) { try read("--sample_sampler", "plms") }
        #expect(error.map { "\($0)" }?.contains("one of ddim, euler") == true)
    }

    @Test func `are due at first, and when a mark is passed`() {
        var samples = Samples()
        samples.everyNSteps = 10
        samples.atFirst = true
        #expect(!samples.areDue(before: nil, now: (0, 0)))
        samples.prompts = "auto"
        #expect(samples.areDue(before: nil, now: (0, 0)))
        // A run that goes on has made its first ones.
        #expect(!samples.areDue(before: nil, now: (30, 1)))
        #expect(!samples.areDue(before: (8, 0), now: (9, 0)))
        #expect(samples.areDue(before: (9, 0), now: (10, 0)))
        #expect(samples.areDue(before: (8, 0), now: (33, 0)))
        samples.everyNEpochs = 2
        #expect(!samples.areDue(before: (9, 0), now: (10, 1)))
        #expect(samples.areDue(before: (19, 1), now: (20, 2)))
    }
}
