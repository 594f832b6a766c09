extension SettingTable {
    /// What a dataset may say: kohya's `[[datasets]]` (`CU.ConfigSanitizer`).
    package static let dataset: [Setting<TrainingData.Dataset>] =
        [
            .whole("batch_size", optional: \.batchSize, in: 1...4096, "samples in a slot of this dataset")
        ] + sharedDataset

    /// What a subset may say: kohya's `[[datasets.subsets]]`.
    package static let subset: [Setting<TrainingData.Subset>] =
        [
            .text("image_dir", \.imageDirectory, named: "DIR", "the folder of pictures"),
            .whole("num_repeats", \.repeats, in: 1...1_000_000, "how often an epoch sees each picture")
                .also("dataset_repeats"),
            .flag("is_reg", \.isRegularization, "regularization pictures"),
            .text("class_tokens", optional: \.classTokens, "the caption of a picture that has none"),
        ] + sharedSubset

    /// Settings of a dataset that may be given for all of them.
    private static let sharedDataset: [Setting<TrainingData.Dataset>] = [
        Setting(
            key: "resolution", shape: .resolution, help: "the area that pictures are brought to",
            assign: { (value, place, dataset) throws(RecipeError) in
                (dataset.width, dataset.height) = try Self.resolution(value, at: place)
                return nil
            },
            value: { .list([.whole($0.width), .whole($0.height)]) }),
        .flag("enable_bucket", \.enableBucket, "keep each picture's aspect ratio, in buckets of like sizes"),
        .whole("min_bucket_reso", \.minBucketResolution, in: 16...8192, "the shortest side of a bucket"),
        .whole("max_bucket_reso", \.maxBucketResolution, in: 16...8192, "the longest side of a bucket"),
        .whole(
            "bucket_reso_steps", \.bucketResolutionSteps, in: 8...1024, "what the sides of buckets are multiples of"),
        .flag("bucket_no_upscale", \.bucketNoUpscale, "never enlarge a picture"),
    ]

    /// Settings of a subset that may be given for all of them.
    private static let sharedSubset: [Setting<TrainingData.Subset>] = [
        .text(
            "caption_extension", optional: \.captionExtension, named: ".EXT",
            "the ending of caption files; unset tries .txt, then .caption"
        )
        .also("caption_extention"),
        .flag("shuffle_caption", \.shuffleCaption, "shuffle the caption's tags"),
        .whole("keep_tokens", \.keepTokens, in: 0...1000, "tags at the front that stay where they are"),
        .text("caption_separator", \.captionSeparator, "what parts the tags of a caption"),
        .text("caption_prefix", optional: \.captionPrefix, "what every caption begins with"),
        .text("caption_suffix", optional: \.captionSuffix, "what every caption ends with"),
        .number("caption_dropout_rate", \.captionDropoutRate, in: 0...1, "how often a caption is left out"),
        .whole(
            "caption_dropout_every_n_epochs", \.captionDropoutEveryNEpochs, in: 0...1_000_000,
            "epochs between those without captions; 0 never"),
        .number("caption_tag_dropout_rate", \.captionTagDropoutRate, in: 0...1, "how often a tag is left out"),
        .flag("flip_aug", \.flipAugmentation, "mirror half of the samples"),
        .flag("random_crop", \.randomCrop, "crop somewhere else each time; needs cache_latents = false"),
        .number(
            "validation_split", \.validationSplit, in: 0...1,
            "the share of the pictures that is never trained on and shows the validation loss; 1 holds all of them out"
        ).unnamed(.number(0)),
        Setting(
            key: "validation_seed", shape: .whole(0...Int.max),
            help: "which pictures are held out, and their noise; unset is the seed",
            assign: { (value, place, subset) throws(RecipeError) in
                subset.validationSeed = UInt64(try value.whole(at: place, in: 0...Int.max))
                return nil
            },
            value: { $0.validationSeed.map { .whole(Int(clamping: $0)) } }),
    ]

    /// The recipe's `data` section: where pictures are, and what is said for all of them.
    static let data: [Setting<Recipe>] =
        [
            .text(
                "train_data_dir", optional: \.data.trainDataDirectory, named: "DIR",
                "a folder of <repeats>_<class tokens> folders"),
            .text(
                "reg_data_dir", optional: \.data.regDataDirectory, named: "DIR", "the same, of regularization pictures"),
            .number(
                "prior_loss_weight", \.data.priorLossWeight, in: 0...1000,
                "what a regularization picture's loss is multiplied by"),
            .flag("cache_latents", \.data.cacheLatents, "keep what the VAE says of a picture for the whole run")
                .besideTheResult,
            .flag("cache_latents_to_disk", \.data.cacheLatentsToDisk, "keep it across runs too").besideTheResult,
        ] + sharedDataset.map { $0.lifted(\.data.datasetDefaults) }
        + sharedSubset.map { $0.lifted(\.data.subsetDefaults) }

    /// `512`, `"512"`, `"512,768"` or `[512, 768]`: width, then height.
    static func resolution(_ value: SettingValue, at place: SettingPlace) throws(RecipeError) -> (Int, Int) {
        let allowed = SettingShape.resolution.allowed
        var sides: [Int] = []
        switch value {
        case .whole(let side):
            sides = [side]
        case .text(let text):
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let side = Int(part.filter { $0 != " " }) else {
                    throw .notAllowed(place, value: value, allowed: allowed)
                }
                sides.append(side)
            }
        case .list(let values):
            for element in values {
                guard case .whole(let side) = element else {
                    throw .wrongType(place, value: value, expected: allowed)
                }
                sides.append(side)
            }
        default:
            throw .wrongType(place, value: value, expected: allowed)
        }
        guard (1...2).contains(sides.count), sides.allSatisfy((16...8192).contains) else {
            throw .notAllowed(place, value: value, allowed: allowed)
        }
        return (sides[0], sides[sides.count - 1])
    }
}
