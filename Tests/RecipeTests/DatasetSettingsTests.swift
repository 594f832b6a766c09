import Testing

@testable import Recipe

private let base = "pretrained_model_name_or_path = \"sd15\"\n"

private func read(
    _ toml: String, datasets: String, named name: String = "dataset.toml", _ arguments: [String] = []
) throws -> (recipe: Recipe, notes: [String]) {
    let folder = try TemporaryFolder()
    let file = try folder.write(name, datasets)
    let recipe = try folder.write("recipe.toml", base + toml)
    return try RecipeReader.read(file: recipe, arguments: ["--dataset_config", file] + arguments)
}

private func refusal(_ datasets: String) -> String {
    do { return "accepted: \(try read("", datasets: datasets).recipe)" } catch { return "\(error)" }
}

@Suite struct `A list of datasets` {
    private let file = """
        [general]
        shuffle_caption = true
        caption_extension = ".txt"
        keep_tokens = 1
        batch_size = 3

        [[datasets]]
        resolution = 512
        keep_tokens = 2

          [[datasets.subsets]]
          image_dir = "deer"
          num_repeats = 10

          [[datasets.subsets]]
          image_dir = "horses"
          is_reg = true
          keep_tokens = 3
          shuffle_caption = false

        [[datasets]]
        resolution = [768, 512]
        batch_size = 2
        enable_bucket = true

          [[datasets.subsets]]
          image_dir = "night"
          class_tokens = "deer at night"
        """

    @Test func `falls back from subset to dataset to general to the recipe`() throws {
        let (recipe, notes) = try read(
            "flip_aug = true\ncaption_extension = \".caption\"\nresolution = 256\nmax_bucket_reso = 2048",
            datasets: file)
        #expect(notes == [])
        let datasets = recipe.data.datasets
        #expect(datasets.map(\.width) == [512, 768])
        #expect(datasets.map(\.height) == [512, 512])
        #expect(datasets.map(\.batchSize) == [3, 2])
        #expect(datasets.map(\.enableBucket) == [false, true])
        #expect(datasets.map(\.maxBucketResolution) == [2048, 2048])
        let subsets = datasets.flatMap(\.subsets)
        #expect(subsets.map(\.imageDirectory) == ["deer", "horses", "night"])
        #expect(subsets.map(\.repeats) == [10, 1, 1])
        #expect(subsets.map(\.isRegularization) == [false, true, false])
        #expect(subsets.map(\.keepTokens) == [2, 3, 1])
        #expect(subsets.map(\.shuffleCaption) == [true, false, true])
        #expect(subsets.map(\.captionExtension) == [".txt", ".txt", ".txt"])
        #expect(subsets.map(\.classTokens) == [nil, nil, "deer at night"])
        #expect(subsets.map(\.flipAugmentation) == [true, true, true])
    }

    @Test func `may stand in the recipe itself`() throws {
        let inside = try RecipeReader.read(toml: base + file)
        let outside = try read("", datasets: file).recipe
        #expect(inside.data.datasets == outside.data.datasets)
    }

    @Test func `may be JSON`() throws {
        let json = """
            {"general": {"enable_bucket": true},
             "datasets": [{"resolution": 512, "batch_size": 4,
                           "subsets": [{"image_dir": "a", "num_repeats": 2, "caption_dropout_rate": 0.5}]}]}
            """
        let dataset = try #require(read("", datasets: json, named: "dataset.json").recipe.data.datasets.first)
        #expect(dataset.enableBucket)
        #expect(dataset.batchSize == 4)
        #expect(dataset.subsets.map(\.captionDropoutRate) == [0.5])
        #expect(throws: RecipeError.unreadable(file: "dataset.json", reason: "it is no JSON object of settings")) {
            try read("", datasets: "[1", named: "dataset.json")
        }
    }

    @Test func `overrules train_data_dir and a flag, and says so`() throws {
        let (recipe, notes) = try read(
            "train_data_dir = \"x\"", datasets: file, ["--keep_tokens", "5", "--flip_aug"])
        #expect(recipe.data.trainDataDirectory == nil)
        #expect(
            notes == [
                "--keep_tokens is only a default: the list of datasets says keep_tokens itself.",
                "train_data_dir and reg_data_dir have no effect: [[datasets]] says where the pictures are.",
            ])
    }

    @Test(arguments: [
        (
            "[[datasets]]\nresolutoin = 1\n[[datasets.subsets]]\nimage_dir = \"a\"",
            "dataset.toml: datasets[0].resolutoin: there is no such setting; did you mean resolution?"
        ),
        (
            "[[datasets]]\n[[datasets.subsets]]\nimage_dir = \"a\"\nnum_repeats = 0",
            "dataset.toml: datasets[0].subsets[0].num_repeats = 0 must be a whole number in 1...1000000."
        ),
        (
            "[[datasets]]\n[[datasets.subsets]]\nimage_dir = \"a\"\nresolution = 512",
            "dataset.toml: datasets[0].subsets[0].resolution: there is no such setting."
        ),
        (
            "[[datasets]]\n[[datasets.subsets]]\nnum_repeats = 1",
            "datasets[0].subsets[0].image_dir is missing: a subset is a folder of pictures."
        ),
        (
            "[[datasets]]\nresolution = 512",
            "datasets[0].subsets is missing: a dataset needs at least one [[datasets.subsets]] with image_dir."
        ),
        ("[general]\nflip_aug = true", "datasets is missing: dataset.toml lists no [[datasets]]."),
        ("datasets = 3", "dataset.toml: datasets must be a list of tables, written [[datasets]], not 3."),
        ("datasets = [3]", "dataset.toml: datasets must be a list of tables, not 3."),
        ("dataset = 3", "dataset.toml: dataset: there is no such setting; did you mean datasets?"),
        (
            "[[datasets]]\n[[datasets.subsets]]\nimage_dir = \"a\"\ncolor_aug = true",
            "dataset.toml: datasets[0].subsets[0].color_aug = true is not supported: pictures are mirrored and cropped only; "
                + "use flip_aug or random_crop."
        ),
    ])
    func `is refused with the place in the list`(datasets: String, sentence: String) {
        #expect(refusal(datasets) == sentence)
    }

    @Test func `stands in one place only`() throws {
        let folder = try TemporaryFolder()
        let other = try folder.write("dataset.toml", file)
        let recipe = try folder.write("recipe.toml", base + "dataset_config = \"\(other)\"\n" + file)
        #expect(throws: RecipeError.twice(SettingPlace(.file("recipe.toml"), "dataset_config"), also: "[[datasets]]")) {
            try RecipeReader.read(file: recipe)
        }
    }
}
