import Foundation
import Testing

@testable import Recipe

/// What every recipe needs.
private let base = """
    pretrained_model_name_or_path = "sd15"
    train_data_dir = "pictures"

    """

private func read(_ toml: String, _ arguments: [String] = []) throws -> (recipe: Recipe, notes: [String]) {
    let folder = try TemporaryFolder()
    return try RecipeReader.read(file: folder.write("recipe.toml", base + toml), arguments: arguments)
}

/// The sentence that refuses `toml` and `arguments`.
private func refusal(_ toml: String, _ arguments: [String] = []) -> String {
    do {
        let (recipe, _) = try read(toml, arguments)
        return "accepted: \(recipe)"
    } catch {
        return "\(error)"
    }
}

@Suite struct `A recipe file` {
    @Test func `of kohya's is read as it is, sections and all`() throws {
        let (recipe, notes) = try read(
            """
            [Network]
            network_module = "networks.lora"
            network_dim = 32
            network_alpha = 16
            network_args = ["loraplus_lr_ratio=16"]
            [Training]
            learning_rate = 2e-4
            unet_lr = 1e-4
            text_encoder_lr = [5e-5]
            optimizer_type = "AdamW8bit"
            optimizer_args = ["weight_decay=0.1", "betas=0.9,0.99"]
            lr_scheduler = "cosine_with_restarts"
            lr_scheduler_num_cycles = 3
            lr_warmup_steps = 0.1
            max_train_epochs = 10
            train_batch_size = 4
            mixed_precision = "bf16"
            save_precision = "fp16"
            save_every_n_epochs = 2
            save_model_as = "safetensors"
            xformers = true
            max_data_loader_n_workers = 8
            persistent_data_loader_workers = false
            loss_type = "l2"
            min_snr_gamma = 5
            seed = 1337
            [Data]
            resolution = "512,768"
            enable_bucket = true
            caption_extension = ".txt"
            shuffle_caption = true
            keep_tokens = 1
            flip_aug = true
            color_aug = false
            """)
        #expect(recipe.network.rank == 32)
        #expect(recipe.network.alpha == 16)
        #expect(recipe.optimizer.loraPlusRatio == 16)
        #expect(recipe.optimizer.kind == .adamW)
        #expect((recipe.optimizer.beta1, recipe.optimizer.beta2) == (0.9, 0.99))
        #expect(recipe.optimizer.weightDecay == 0.1)
        #expect(recipe.optimizer.unetLearningRate == 1e-4)
        #expect(recipe.optimizer.textEncoderLearningRate == 5e-5)
        #expect(recipe.schedule.kind == .cosineWithRestarts)
        #expect(recipe.schedule.warmup == .ratio(0.1))
        #expect(recipe.run.maxTrainEpochs == 10)
        #expect(recipe.run.savePrecision == .fp16)
        #expect(recipe.precision.mixed == .bf16)
        #expect(recipe.objective.minSNRGamma == 5)
        #expect(recipe.data.trainDataDirectory == "pictures")
        #expect((recipe.data.datasetDefaults.width, recipe.data.datasetDefaults.height) == (512, 768))
        #expect(recipe.data.datasetDefaults.enableBucket)
        #expect(recipe.data.subsetDefaults.captionExtension == ".txt")
        #expect(recipe.data.subsetDefaults.shuffleCaption)
        #expect(recipe.data.subsetDefaults.keepTokens == 1)
        #expect(recipe.data.subsetDefaults.flipAugmentation)
        #expect(
            notes.map { $0.prefix { $0 != ":" } } == ["recipe.toml", "recipe.toml", "recipe.toml"]
                && notes.contains { $0.contains("AdamW8bit") && $0.contains("runs as AdamW") }
                && notes.contains { $0.contains("Training.xformers has no effect") }
                && notes.contains { $0.contains("max_data_loader_n_workers has no effect") })
    }

    @Test(arguments: [
        ("network_dmi = 8", "recipe.toml: network_dmi: there is no such setting; did you mean network_dim?"),
        ("[adapter]\nrank = 8", "recipe.toml: adapter.rank: there is no such setting; did you mean network_dim?"),
        ("frobnicate = 8", "recipe.toml: frobnicate: there is no such setting."),
        ("network_dim = \"8\"", "recipe.toml: network_dim must be a whole number in 1...4096, not \"8\"."),
        ("network_dim = 8.5", "recipe.toml: network_dim must be a whole number in 1...4096, not 8.5."),
        ("network_dim = 0", "recipe.toml: network_dim = 0 must be a whole number in 1...4096."),
        ("network_alpha = true", "recipe.toml: network_alpha must be a number in 0...65536, not true."),
        ("network_alpha = nan", "recipe.toml: network_alpha = nan must be a number in 0...65536."),
        ("learning_rate = -1e-4", "recipe.toml: learning_rate = -0.0001 must be a number in 0...1000."),
        ("seed = 2021-11-22", "recipe.toml: seed must be a whole number from 0, not 2021-11-22."),
        ("enable_bucket = 1", "recipe.toml: enable_bucket must be true or false, not 1."),
        ("output_name = 7", "recipe.toml: output_name must be text, not 7."),
        ("output_name = \"\"", "recipe.toml: output_name = \"\" must be text that is not empty."),
        (
            "lr_scheduler = \"cosin\"",
            "recipe.toml: lr_scheduler = \"cosin\" must be one of constant, constant_with_warmup, linear, cosine, "
                + "cosine_with_restarts, polynomial; did you mean cosine?"
        ),
        (
            "optimizer_type = \"Prodigy\"",
            "recipe.toml: optimizer_type = \"Prodigy\" must be one of AdamW, SGD, AdamW8bit (as AdamW), SGDNesterov."
        ),
        (
            "optimizer_args = [\"beta=0.9\"]",
            "recipe.toml: optimizer_args = \"beta=0.9\" must be of AdamW: one of betas, eps, weight_decay; did you mean betas?"
        ),
        (
            "optimizer_args = [\"betas=0.9\"]",
            "recipe.toml: optimizer_args.betas must be 2 numbers in 0...1, not \"0.9\"."
        ),
        ("optimizer_args = [\"eps\"]", "recipe.toml: optimizer_args = \"eps\" must be written key=value."),
        (
            "resolution = \"512,\"",
            "recipe.toml: resolution = \"512,\" must be a side or \"width,height\" in pixels, each in 16...8192."
        ),
        (
            "lr_warmup_steps = 1.5",
            "recipe.toml: lr_warmup_steps = 1.5 must be a whole number of steps from 0, or a share of all steps below 1."
        ),
        ("max_token_length = 100", "recipe.toml: max_token_length = 100 must be one of 75, 150, 225."),
        ("device = \"cuda:x\"", "recipe.toml: device = \"cuda:x\" must be auto, cpu, or cuda:N with N from 0."),
        ("[a]\nseed = 1\n[b]\nseed = 2", "recipe.toml: b.seed is given twice, also as a.seed; keep one."),
        (
            "network_dropout = 0.1",
            "recipe.toml: network_dropout = 0.1 is not supported: it would change the result; leave it out."
        ),
        (
            "network_module = \"lycoris.kohya\"",
            "recipe.toml: network_module = \"lycoris.kohya\" is not supported: Danlu trains kohya's LoRA; use networks.lora or leave it out."
        ),
    ])
    func `is refused with key, value and what is allowed`(toml: String, sentence: String) {
        #expect(refusal(toml) == sentence)
    }

    @Test(arguments: [
        "masked_loss", "fp8_base", "full_fp16", "color_aug", "weighted_captions", "enable_wildcard", "alpha_mask",
        "dim_from_weights",
    ])
    func `is refused where it asks for what would change the result`(key: String) throws {
        #expect(refusal("\(key) = true").hasPrefix("recipe.toml: \(key) = true is not supported: "))
        #expect(try read("\(key) = false").notes == [])
    }

    @Test(arguments: [
        (
            "global_batch_size = 6\ntrain_batch_size = 4",
            "global_batch_size = 6 must be a multiple of train_batch_size = 4."
        ),
        (
            "global_batch_size = 8\ngradient_accumulation_steps = 3",
            "global_batch_size = 8 means 8 slots in a step and gradient_accumulation_steps = 3 says another number; give one of them."
        ),
        (
            "network_train_unet_only = true\nnetwork_train_text_encoder_only = true",
            "network_train_unet_only and network_train_text_encoder_only leave nothing to train; keep one."
        ),
        (
            "cache_latents = true\nrandom_crop = true",
            "random_crop needs new latents each time, so it cannot go with cache_latents = true or cache_latents_to_disk = true; "
                + "set them to false or leave random_crop out."
        ),
        ("min_timestep = 500\nmax_timestep = 500", "min_timestep = 500 must be below max_timestep = 500."),
        (
            "enable_bucket = true\nresolution = 64",
            "resolution = 64,64 must lie between min_bucket_reso = 256 and max_bucket_reso = 1024 when enable_bucket is on."
        ),
        (
            "lr_scheduler = \"constant\"\nlr_warmup_steps = 10",
            "lr_scheduler = \"constant\" has no warm-up; use constant_with_warmup or leave lr_warmup_steps out."
        ),
        (
            "lr_scheduler = \"polynomial\"\nlearning_rate = 1e-8",
            "lr_scheduler = \"polynomial\" ends at 1e-07, so learning_rate = 1e-08 must lie above that."
        ),
        (
            "optimizer_type = \"SGD\"\noptimizer_args = [\"nesterov=True\"]",
            "optimizer_args has nesterov=true without momentum; add momentum=0.9."
        ),
        (
            "scale_adam_betas = true\nbase_batch_size = 1\ntrain_batch_size = 20",
            "scale_adam_betas cannot follow a batch 20 times base_batch_size: a β would fall below 0 past 10 times; "
                + "raise base_batch_size, lower the batch, or leave scale_adam_betas out."
        ),
    ])
    func `is refused where two settings cannot stand together`(toml: String, sentence: String) {
        #expect(refusal(toml) == sentence)
    }

    @Test func `is refused without a model or without pictures`() {
        #expect(throws: RecipeError.self) { try RecipeReader.read(toml: "train_data_dir = \"x\"") }
        let error = #expect(throws: RecipeError.self) {
            try RecipeReader.read(toml: "pretrained_model_name_or_path = \"x\"")
        }
        #expect(error?.description.hasPrefix("train_data_dir is missing: name a folder") == true)
    }

    @Test func `that cannot be read says why`() throws {
        let folder = try TemporaryFolder()
        func refusal(_ path: String) -> String {
            do { return "accepted: \(try RecipeReader.read(file: path).recipe)" } catch { return "\(error)" }
        }
        #expect(
            refusal(folder.path + "/none.toml") == "\(folder.path)/none.toml cannot be read: there is no such file.")
        #expect(mkfifo(folder.path + "/pipe.toml", 0o600) == 0)
        #expect(
            refusal(folder.path + "/pipe.toml")
                == "\(folder.path)/pipe.toml cannot be read: it is a pipe or a device, not a file.")
        #expect(refusal(folder.path).hasSuffix("cannot be read: it is a folder, not a file."))
        #expect(
            refusal(try folder.write("binary.toml", [0x61, 0xff, 0xfe])).hasSuffix(
                "cannot be read: it is not UTF-8 text."))
        #expect(
            refusal(try folder.write("large.toml", [UInt8](repeating: 0x0a, count: SettingsFile.maximumBytes + 1)))
                .hasSuffix("cannot be read: it is larger than 16 MiB, too large for settings."))
        #expect(refusal(try folder.write("broken.toml", "seed = 1\nnetwork_dim = = 3\n")).hasPrefix("broken.toml:2:"))
        #expect(refusal(try folder.write("twice.toml", "seed = 1\nseed = 2\n")).hasPrefix("twice.toml:2:"))
    }

    @Test func `may leave out its ending, as with kohya`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("recipe.toml", base + "network_dim = 9")
        #expect(try RecipeReader.read(file: String(file.dropLast(5))).recipe.network.rank == 9)
    }

    @Test func `turns latent caching off for random crops unless it was asked for`() throws {
        let (recipe, notes) = try read("random_crop = true")
        #expect(!recipe.data.cacheLatents)
        #expect(notes == ["cache_latents is off, because random_crop needs new latents each time."])
        #expect(try read("cache_latents_to_disk = true").recipe.data.cacheLatents)
    }

    @Test func `takes SGD without AdamW's weight decay, and Nesterov's momentum with its own`() throws {
        let sgd = try read("optimizer_type = \"SGD\"").recipe.optimizer
        #expect((sgd.kind, sgd.weightDecay, sgd.momentum) == (.sgd, 0, 0))
        let nesterov = try read(
            "optimizer_args = [\"momentum=0.8\", \"weight_decay=0.02\"]\noptimizer_type = \"SGDNesterov\""
        ).recipe.optimizer
        #expect(nesterov.nesterov)
        #expect((nesterov.weightDecay, nesterov.momentum) == (0.02, 0.8))
    }

    @Test func `says once for all keys of a kind why they have no effect`() throws {
        let (_, notes) = try read(
            "huber_c = 0.1\nxformers = true\n[loss]\nhuber_scale = 1.0\nhuber_schedule = \"snr\"",
            ["--lowram", "--sdpa"])
        #expect(
            notes == [
                "--lowram has no effect: the base model is held once, in the compute format.",
                "--sdpa, recipe.toml: xformers have no effect: attention is always computed by libtorch's fused kernel.",
                "recipe.toml: huber_c, loss.huber_scale, loss.huber_schedule have no effect: the loss is l2.",
            ])
    }

    @Test func `takes 0 for none where forms write it`() throws {
        let (recipe, notes) = try read(
            "save_every_n_steps = 0\nmin_snr_gamma = 0\nvae = \"\"\nnoise_offset = 0\nnetwork_dropout = 0\nscale_weight_norms = 0\n"
                + "lr_scheduler_type = \"\"\noptimizer_args = []\nnetwork_args = []\ntext_encoder_lr = []\nv2 = false")
        var expected = try read("").recipe
        #expect(recipe == expected)
        #expect(notes == [])
        expected.objective.noiseOffset = 1
        #expect(recipe != expected)
    }
}

@Suite struct `The command line` {
    @Test func `overrules the file, in every way a flag can be written`() throws {
        let (recipe, _) = try read(
            "network_dim = 4\nseed = 1\ncache_latents = true",
            [
                "--network_dim", "8", "--seed=7", "--network-alpha", "2.5", "--cache_latents=false", "--flip_aug",
                "--enable_bucket", "true", "--optimizer_args", "eps=1e-6", "weight_decay=0", "--text_encoder_lr",
                "3e-5",
                "--lr_scheduler", "cosine", "--lr_warmup_steps", "5%", "--noise_offset", "0.1", "--seed", "9",
            ])
        #expect(recipe.network.rank == 8)
        #expect(recipe.network.alpha == 2.5)
        #expect(recipe.run.seed == 9)
        #expect(!recipe.data.cacheLatents)
        #expect(recipe.data.subsetDefaults.flipAugmentation)
        #expect(recipe.data.datasetDefaults.enableBucket)
        #expect((recipe.optimizer.epsilon, recipe.optimizer.weightDecay) == (1e-6, 0))
        #expect(recipe.optimizer.textEncoderLearningRate == 3e-5)
        #expect(recipe.schedule.warmup == .ratio(0.05))
        #expect(recipe.objective.noiseOffset == 0.1)
    }

    @Test func `is enough without a file, or names it`() throws {
        let alone = try RecipeReader.read(
            file: nil, arguments: ["--pretrained_model_name_or_path", "sd15", "--train_data_dir", "pictures"])
        #expect(alone.recipe.model.path == "sd15")
        let folder = try TemporaryFolder()
        let file = try folder.write("recipe.toml", base + "network_dim = 12")
        #expect(try RecipeReader.read(file: nil, arguments: ["--config_file", file]).recipe.network.rank == 12)
        #expect(throws: RecipeError.self) { try RecipeReader.read(file: file, arguments: ["--config_file", file]) }
    }

    @Test(arguments: [
        (["--network_dmi", "8"], "--network_dmi: there is no such setting; did you mean network_dim?"),
        (["--network_dim", "eight"], "--network_dim must be a whole number in 1...4096, not \"eight\"."),
        (["--network_dim"], "--network_dim needs a value: a whole number in 1...4096."),
        (["--network_dim", "--seed", "1"], "--network_dim needs a value: a whole number in 1...4096."),
        (["--learning_rate", "-1"], "--learning_rate = -1.0 must be a number in 0...1000."),
        (["--learning_rate=inf"], "--learning_rate = inf must be a number in 0...1000."),
        (["8"], "\"8\" stands alone on the command line; a setting is written --key value."),
        (["--flip_aug=yes"], "--flip_aug must be true or false, not \"yes\"."),
        (
            ["--fp8_base"],
            "--fp8_base = true is not supported: the base model is kept in fp32, fp16 or bf16; use mixed_precision."
        ),
    ])
    func `is refused with flag, value and what is allowed`(arguments: [String], sentence: String) {
        #expect(refusal("", arguments) == sentence)
    }

    @Test func `is parted into settings and what belongs to others`() {
        let (settings, rest) = CommandLineSettings.split([
            "train", "--network_dim", "8", "recipe.toml", "--workers", "2", "--xformers", "more", "--optimizer_args",
            "eps=1e-6", "weight_decay=0", "last", "--seed=3", "--save-every-n-steps", "5", "--listen", "tcp://x",
            "--mispelt_key",
            "1", "--", "--seed", "4",
        ])
        #expect(
            settings == [
                "--network_dim", "8", "--xformers", "--optimizer_args", "eps=1e-6", "weight_decay=0", "--seed=3",
                "--save-every-n-steps", "5", "--mispelt_key", "1",
            ])
        #expect(
            rest == [
                "train", "recipe.toml", "--workers", "2", "more", "last", "--listen", "tcp://x", "--", "--seed", "4",
            ])
    }

    @Test func `knows every key of a recipe, and its help explains each within the width`() {
        let help = SettingTable.help(width: 80)
        for setting in SettingTable.all {
            #expect(help.contains("  --\(setting.key)"))
            #expect(!setting.help.isEmpty && !setting.help.hasSuffix("."))
            #expect(UnsupportedSetting.byKey[setting.key] == nil)
        }
        for line in help.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(help.contains("  --network_dim N\n      the rank of the LoRA [4]\n"))
    }
}
