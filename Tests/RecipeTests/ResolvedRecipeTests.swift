import Testing

@testable import Recipe

/// A recipe in which nothing is as it is by default.
private func unusual() throws -> Recipe {
    try RecipeReader.read(
        toml: """
            pretrained_model_name_or_path = "models/a \\"b\\" \\\\ c\\n"
            vae = "vae.safetensors"
            v_parameterization = false
            clip_skip = 2
            max_token_length = 225
            prior_loss_weight = 0.5
            cache_latents = false
            network_dim = 16
            network_alpha = 0.30000000000000004
            network_train_unet_only = true
            network_weights = "before.safetensors"
            network_args = ["loraplus_lr_ratio=16"]
            optimizer_type = "SGDNesterov"
            learning_rate = 1e-05
            unet_lr = 3
            text_encoder_lr = 0
            optimizer_args = ["momentum=0.7", "weight_decay=0.25"]
            max_grad_norm = 0
            lr_scheduler = "polynomial"
            lr_warmup_steps = 0.125
            lr_scheduler_num_cycles = 4
            lr_scheduler_power = 1.5
            train_batch_size = 2
            global_batch_size = 12
            base_batch_size = 3
            lr_scaling = "linear"
            lr_scaling_warmup_steps = 100
            min_timestep = 10
            max_timestep = 900
            noise_offset = 0.05
            multires_noise_iterations = 6
            multires_noise_discount = 0.2
            ip_noise_gamma = 0.1
            min_snr_gamma = 5
            debiased_estimation_loss = true
            zero_terminal_snr = true
            mixed_precision = "fp16"
            gradient_checkpointing = true
            no_half_vae = true
            output_dir = "out"
            output_name = "鹿 🦌"
            max_train_epochs = 3
            max_train_steps = 77
            seed = 9223372036854775807
            save_precision = "bf16"
            save_every_n_epochs = 1
            save_every_n_steps = 5
            training_comment = "a\\tb"
            no_metadata = true
            threads_per_worker = 3
            device = "cuda:1"
            topology = "star"
            packing = "on"
            exact = true
            log_with = "none"
            logging_dir = "logs"
            sample_prompts = "p.txt"
            sample_every_n_steps = 5
            sample_at_first = true
            sample_sampler = "euler"
            validation_split = 0.25
            validation_seed = 7
            validate_every_n_steps = 50
            validate_every_n_epochs = 2
            max_validation_steps = 9
            resolution = "640,512"
            caption_prefix = "photo of"
            caption_dropout_rate = 0.1
            [[datasets]]
            batch_size = 5
            enable_bucket = true
            [[datasets.subsets]]
            image_dir = "deer"
            num_repeats = 4
            caption_prefix = ""
            random_crop = true
            [[datasets.subsets]]
            image_dir = "reg"
            is_reg = true
            class_tokens = "horse"
            [[datasets.subsets]]
            image_dir = "night"
            class_tokens = "deer at night"
            validation_split = 0
            """)
}

@Suite struct `A resolved recipe` {
    @Test func `reads back to the same value`() throws {
        let recipe = try unusual()
        #expect(try RecipeReader.read(toml: recipe.toml) == recipe)
        let plain = try RecipeReader.read(
            toml: "pretrained_model_name_or_path = \"m\"\ntrain_data_dir = \"d\"\nreg_data_dir = \"r\"")
        #expect(try RecipeReader.read(toml: plain.toml) == plain)
        #expect(plain.toml.contains("\n[network]\nnetwork_dim = 4\nnetwork_alpha = 1.0\n"))
    }

    @Test func `mentions every setting that is not as it is by default`() throws {
        let (recipe, usual) = (try unusual(), Recipe())
        let same = SettingTable.all.filter { $0.value(recipe) == $0.value(usual) }.map(\.key)
        // What the recipe above leaves alone: folders and the data defaults its datasets override one by one.
        let left: Set = [
            "train_data_dir", "reg_data_dir", "cache_latents_to_disk", "network_train_text_encoder_only",
            "gradient_accumulation_steps", "scale_adam_betas", "batch_policy", "batch_ramp_steps", "gradient_format",
            "update_format", "enable_bucket",
            "min_bucket_reso", "max_bucket_reso",
            "bucket_reso_steps", "bucket_no_upscale", "caption_extension", "shuffle_caption", "keep_tokens",
            "caption_separator", "caption_suffix", "caption_dropout_every_n_epochs", "caption_tag_dropout_rate",
            "flip_aug",
            "random_crop", "sample_every_n_epochs",
        ]
        #expect(Set(same) == left)
    }

    @Test func `names settings as kohya does, once each`() {
        let keys = SettingTable.all.map(\.key)
        #expect(Set(keys).count == keys.count)
        #expect(keys.joined().allSatisfy { "abcdefghijklmnopqrstuvwxyz_".contains($0) })
    }
}

@Suite struct `A recipe's hash` {
    private func recipe() -> Recipe {
        var recipe = Recipe()
        recipe.model.path = "sd15"
        recipe.data.trainDataDirectory = "pictures"
        return recipe
    }

    @Test func `is 64 hexadecimal digits, the same for the same recipe`() {
        #expect(recipe().hash == recipe().hash)
        #expect(recipe().hash.wholeMatch(of: /[0-9a-f]{64}/) != nil)
    }

    @Test func `leaves out names, places and habits`() {
        var other = recipe()
        other.run.outputDirectory = "elsewhere"
        other.run.outputName = "deer"
        other.run.saveEveryNSteps = 10
        other.run.saveEveryNEpochs = 1
        other.run.trainingComment = "hello"
        other.run.noMetadata = true
        other.data.cacheLatents = false
        other.data.cacheLatentsToDisk = true
        other.precision.gradientCheckpointing = true
        other.cluster.device = "cpu"
        other.cluster.exact = true
        other.cluster.topology = .star
        other.cluster.packing = .on
        #expect(other.hash == recipe().hash)
    }

    @Test func `changes with everything that decides the result`() {
        let changes: [(inout Recipe) -> Void] = [
            { $0.model.path = "sd21" }, { $0.network.rank = 8 }, { $0.network.trainsTextEncoder = false },
            { $0.optimizer.loraPlusRatio = 4 }, { $0.optimizer.beta2 = 0.99 }, { $0.schedule.warmup = .steps(3) },
            { $0.batch.globalBatchSize = 4 }, { $0.batch.scalingRule = .linear }, { $0.objective.minSNRGamma = 5 },
            { $0.precision.mixed = .bf16 }, { $0.run.seed = 1 }, { $0.run.maxTrainSteps = 5 },
            { $0.run.savePrecision = .fp16 }, { $0.data.subsetDefaults.keepTokens = 1 },
            { $0.data.subsetDefaults.validationSplit = 0.1 }, { $0.data.subsetDefaults.validationSeed = 1 },
            { $0.data.datasetDefaults.width = 64 }, { $0.cluster.threadsPerWorker = 2 },
            { $0.cluster.gradientFormat = .int8 }, { $0.cluster.updateFormat = .int8 },
            { $0.data.datasets = [TrainingData.Dataset()] },
        ]
        let hashes =
            [recipe().hash]
            + changes.map { change in
                var other = recipe()
                change(&other)
                return other.hash
            }
        #expect(Set(hashes).count == hashes.count)
    }

    @Test func `knows files by what they hold where it is told`() {
        var moved = recipe()
        moved.model.path = "models/sd15"
        #expect(moved.hash != recipe().hash)
        #expect(moved.hash(contents: ["models/sd15": "abc"]) == recipe().hash(contents: ["sd15": "abc"]))
        #expect(moved.hash(contents: ["models/sd15": "abc"]) != recipe().hash(contents: ["sd15": "abd"]))
    }

    @Test func `does not hear defaults that no dataset takes`() throws {
        var listed = try unusual()
        let hash = listed.hash
        listed.data.subsetDefaults.flipAugmentation = true
        #expect(listed.hash == hash)
        listed.data.datasets[0].subsets[0].flipAugmentation = true
        #expect(listed.hash != hash)
    }
}

@Suite struct `A suggestion` {
    @Test func `is the nearest word, or none when none is near`() {
        let words = ["network_dim", "network_alpha", "seed"]
        #expect(Suggestion.nearest(to: "netwrok_dim", in: words) == "network_dim")
        #expect(Suggestion.nearest(to: "Seed", in: words) == "seed")
        #expect(Suggestion.nearest(to: "x", in: words) == nil)
        #expect(Suggestion.nearest(to: "", in: words) == nil)
        #expect(Suggestion.distance(Array("abcd".utf8), Array("acbd".utf8)) == 1)
        #expect(Suggestion.distance([], Array("abc".utf8)) == 3)
    }
}
