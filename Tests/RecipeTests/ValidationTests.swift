import Recipe
import Testing

@Suite struct `A validation split` {
    private func read(_ more: String...) throws -> (recipe: Recipe, notes: [String]) {
        try RecipeReader.read(
            file: nil, arguments: ["--pretrained_model_name_or_path", "m", "--train_data_dir", "d"] + more)
    }

    @Test func `has kohya's keys`() throws {
        let (recipe, notes) = try read(
            "--validation_split", "0.1", "--validation_seed", "7", "--validate_every_n_steps", "50",
            "--validate_every_n_epochs", "2", "--max_validation_steps", "3", "--train_batch_size", "4")
        #expect(notes.isEmpty)
        #expect(recipe.data.subsetDefaults.validationSplit == 0.1 && recipe.data.subsetDefaults.validationSeed == 7)
        #expect(recipe.validation.everyNSteps == 50 && recipe.validation.everyNEpochs == 2)
        #expect(recipe.validationPictures(of: 20) == 12 && recipe.validationPictures(of: 5) == 5)
        #expect(try RecipeReader.read(toml: recipe.toml) == recipe)
    }

    @Test func `is a matter of the run's name only where pictures are held out`() throws {
        let plain = try read().recipe.hash
        #expect(try read("--validation_split", "0").recipe.hash == plain)
        #expect(try read("--validation_split", "0.1").recipe.hash != plain)
        #expect(
            try read("--validation_split", "0.1", "--validate_every_n_steps", "5").recipe.hash
                == read("--validation_split", "0.1").recipe.hash)
    }

    @Test func `may be said of one folder alone`() throws {
        let recipe = try RecipeReader.read(
            toml: """
                pretrained_model_name_or_path = "m"
                validation_split = 0.2
                [[datasets]]
                validation_seed = 3
                [[datasets.subsets]]
                image_dir = "a"
                [[datasets.subsets]]
                image_dir = "b"
                validation_split = 1
                [[datasets.subsets]]
                image_dir = "c"
                validation_split = 0
                """)
        #expect(recipe.data.datasets[0].subsets.map(\.validationSplit) == [0.2, 1, 0])
        #expect(recipe.data.datasets[0].subsets.map(\.validationSeed) == [3, 3, 3])
        #expect(recipe.data.holdsOut)
        #expect(try RecipeReader.read(toml: recipe.toml) == recipe)
    }

    @Test(arguments: [
        (["--validation_split", "1.5"], "--validation_split = 1.5 must be a number in 0...1"),
        (["--validation_split", "-0.1"], "--validation_split = -0.1 must be a number in 0...1"),
        (["--validation_split", "much"], "--validation_split"),
        (["--validate_every_n_steps", "0"], "--validate_every_n_steps = 0 must be a whole number in 1..."),
        (["--validate_every_n_epochs", "0"], "--validate_every_n_epochs = 0 must be a whole number in 1..."),
        (["--max_validation_steps", "0"], "--max_validation_steps = 0 must be a whole number in 1..."),
        (["--validation_seed", "-1"], "--validation_seed = -1 must be a whole number from 0"),
        (["--validation_splt", "0.1"], "validation_split"),
    ])
    func `is refused in one sentence where a value cannot be`(words: [String], sentence: String) {
        let error = #expect(throws: RecipeError.self) {
            try RecipeReader.read(
                file: nil, arguments: ["--pretrained_model_name_or_path", "m", "--train_data_dir", "d"] + words)
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(sentence) && !text.contains("\n"), "\(text)")
    }

    @Test func `says so when nothing is held out`() throws {
        let (_, notes) = try read("--validate_every_n_steps", "5")
        #expect(notes.count == 1 && notes[0].contains("validate_every_n_steps has no effect"))
        let regularization = try RecipeReader.read(
            toml: """
                pretrained_model_name_or_path = "m"
                [[datasets]]
                [[datasets.subsets]]
                image_dir = "a"
                [[datasets.subsets]]
                image_dir = "b"
                is_reg = true
                validation_split = 0.5
                """)
        #expect(!regularization.data.holdsOut)
    }

    @Test func `is due after every epoch, when a mark of steps is passed, and at the end`() {
        var validation = Validation()
        #expect(!validation.marks(before: (0, 0), now: (5, 0), isLast: false).isDue)
        #expect(validation.marks(before: (9, 0), now: (10, 1), isLast: false) == .init(step: false, epoch: true))
        validation.everyNSteps = 4
        validation.everyNEpochs = 3
        #expect(validation.marks(before: (3, 0), now: (4, 0), isLast: false) == .init(step: true, epoch: false))
        #expect(validation.marks(before: (3, 0), now: (9, 1), isLast: false) == .init(step: true, epoch: false))
        #expect(!validation.marks(before: (4, 0), now: (5, 1), isLast: false).isDue)
        #expect(validation.marks(before: (29, 2), now: (30, 3), isLast: false) == .init(step: false, epoch: true))
        #expect(validation.marks(before: (4, 0), now: (5, 0), isLast: true) == .init(step: false, epoch: true))
    }

    @Test func `looks at kohya's four timesteps of those that are trained`() {
        var objective = Objective()
        #expect(objective.validationTimesteps == [200, 400, 600, 800])
        objective.minTimestep = 500
        objective.maxTimestep = 503
        #expect(objective.validationTimesteps == [500, 501, 501, 502])
        #expect(objective.validationTimesteps.count == Validation.timestepsOfPicture)
    }
}
