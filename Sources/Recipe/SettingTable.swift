/// Every setting of a recipe, in the order in which they are applied, printed and explained.
package enum SettingTable {
    /// Settings of one subject, under a heading that is also their section in a resolved recipe.
    package struct Section: Sendable {
        package let name: String
        package let settings: [Setting<Recipe>]
    }

    package static let sections: [Section] = [
        Section(name: "model", settings: model), Section(name: "data", settings: data),
        Section(name: "network", settings: network), Section(name: "optimizer", settings: optimizer),
        Section(name: "schedule", settings: schedule), Section(name: "batch", settings: batch),
        Section(name: "objective", settings: objective), Section(name: "precision", settings: precision),
        Section(name: "run", settings: run), Section(name: "samples", settings: samples),
        Section(name: "validation", settings: validation), Section(name: "cluster", settings: cluster),
    ]

    package static let all: [Setting<Recipe>] = sections.flatMap(\.settings)

    /// By key and by alias.
    package static let byKey: [String: Setting<Recipe>] = Dictionary(
        uniqueKeysWithValues: all.flatMap { setting in ([setting.key] + setting.aliases).map { ($0, setting) } })

    private static let model: [Setting<Recipe>] = [
        .text(
            "pretrained_model_name_or_path", \.model.path, named: "PATH",
            "the base model: a diffusers folder, or one .safetensors file"),
        .text("vae", optional: \.model.vae, named: "PATH", "a VAE that replaces the model's own"),
        Setting(
            key: "v_parameterization", shape: .flag,
            help: "the model predicts v, not the noise; unset follows the model's own configuration",
            assign: { (value, place, recipe) throws(RecipeError) in
                recipe.model.vParameterization = try value.flag(at: place)
                return nil
            },
            value: { $0.model.vParameterization.map(SettingValue.flag) }),
        .whole(
            "clip_skip", \.model.clipSkip, in: 1...24, "which of the text encoder's last layers is read; 1 is the last"),
        Setting(
            key: "max_token_length", shape: .wholes([75, 150, 225]), help: "how many tokens of a caption are read",
            assign: { (value, place, recipe) throws(RecipeError) in
                let allowed = SettingShape.wholes([75, 150, 225]).allowed
                guard case .whole(let length) = value else { throw .wrongType(place, value: value, expected: allowed) }
                guard [75, 150, 225].contains(length) else { throw .notAllowed(place, value: value, allowed: allowed) }
                recipe.model.maxTokenLength = length
                return nil
            },
            value: { .whole($0.model.maxTokenLength) }),
    ]

    private static let network: [Setting<Recipe>] = [
        .whole("network_dim", \.network.rank, in: 1...4096, "the rank of the LoRA"),
        .number(
            "network_alpha", \.network.alpha, in: 0...65536, "alpha; the LoRA counts alpha / rank, 0 means the rank"),
        .flag("network_train_unet_only", not: \.network.trainsTextEncoder, "train the UNet's LoRA alone"),
        .flag("network_train_text_encoder_only", not: \.network.trainsUNet, "train the text encoder's LoRA alone"),
        .text("network_weights", optional: \.network.initialWeights, named: "FILE", "a LoRA file to go on from"),
        Setting(
            key: "network_args", shape: .list("key=value"),
            help: "loraplus_lr_ratio=X: B's learning rate over A's (LoRA+)",
            assign: { (value, place, recipe) throws(RecipeError) in
                try recipe.apply(networkArguments: value, at: place)
            },
            value: { $0.networkArguments }),
    ]

    private static let rates = 0.0...1000.0

    private static let optimizer: [Setting<Recipe>] = [
        Setting(
            key: "optimizer_type", shape: .choice(Optimizer.Kind.allCases.map(\.rawValue)),
            help: "the optimizer; AdamW8bit runs as AdamW, SGDNesterov as SGD with momentum 0.9",
            assign: { (value, place, recipe) throws(RecipeError) in try recipe.optimizer.apply(type: value, at: place)
            },
            value: { .text($0.optimizer.kind.rawValue) }),
        .number(
            "learning_rate", \.optimizer.learningRate, in: rates,
            "the learning rate of every part that has none of its own"),
        .number("unet_lr", optional: \.optimizer.unetLearningRate, in: rates, "the UNet's own learning rate"),
        Setting(
            key: "text_encoder_lr", shape: .list("X"), help: "the text encoder's own learning rate",
            assign: { (value, place, recipe) throws(RecipeError) in
                let numbers: [SettingValue] = if case .list(let list) = value { list } else { [value] }
                guard let number = numbers.first else { return nil }
                guard numbers.allSatisfy({ $0 == number }) else {
                    throw .unsupported(
                        place, value: value, reason: "a model of this family has one text encoder; give one number")
                }
                recipe.optimizer.textEncoderLearningRate = try number.number(at: place, in: rates)
                return nil
            },
            value: { $0.optimizer.textEncoderLearningRate.map(SettingValue.number) }),
        Setting(
            key: "optimizer_args", shape: .list("key=value"),
            help: "betas=X,X eps=X weight_decay=X of AdamW; momentum=X nesterov=true weight_decay=X of SGD",
            assign: { (value, place, recipe) throws(RecipeError) in
                try recipe.optimizer.apply(arguments: value, at: place)
            },
            value: { $0.optimizer.arguments }),
        .number(
            "max_grad_norm", \.optimizer.maxGradientNorm, in: 0...1e6,
            "the norm that a step's gradient is clipped to; 0 never clips"),
    ]

    private static let schedule: [Setting<Recipe>] = [
        .choice(
            "lr_scheduler", \.schedule.kind,
            "how the learning rate moves with the step: "
                + Schedule.Kind.allCases.map(\.rawValue).joined(separator: ", ")),
        Setting(
            key: "lr_warmup_steps", shape: .stepsOrShare,
            help: "steps, or a share of all steps, over which the learning rate climbs from 0",
            assign: { (value, place, recipe) throws(RecipeError) in
                recipe.schedule.warmup = try Schedule.Warmup(value, at: place)
                return nil
            },
            value: {
                switch $0.schedule.warmup {
                case .steps(let steps): .whole(steps)
                case .ratio(let ratio): .number(ratio)
                }
            }),
        .whole("lr_scheduler_num_cycles", \.schedule.cycles, in: 1...100_000, "cycles of cosine_with_restarts"),
        .number("lr_scheduler_power", \.schedule.power, in: 0...100, "the power of polynomial"),
    ]

    private static let batch: [Setting<Recipe>] = [
        .whole("train_batch_size", \.batch.trainBatchSize, in: 1...4096, "samples in a slot"),
        .whole(
            "gradient_accumulation_steps", \.batch.gradientAccumulationSteps, in: 1...65536,
            "slots in a step, over all workers together (with batch_policy per_worker: for each worker)"),
        .whole(
            "global_batch_size", optional: \.batch.globalBatchSize, in: 1...1_000_000,
            "samples in a step, instead of gradient_accumulation_steps"),
        .whole(
            "base_batch_size", optional: \.batch.baseBatchSize, in: 1...1_000_000,
            "the batch that the learning rates are meant for; unset takes them as they are (per_worker: as one worker's)"
        ),
        .choice(
            "lr_scaling", \.batch.scalingRule,
            "how learning rates follow the batch; auto is sqrt for AdamW, linear for SGD"),
        .whole(
            "lr_scaling_warmup_steps", \.batch.scalingWarmupSteps, in: 0...10_000_000,
            "steps over which they climb to the scaled value"),
        .flag("scale_adam_betas", \.batch.scalesAdamBetas, "scale AdamW's betas and eps with the batch too"),
        Setting(
            key: "batch_policy", shape: .choice(Batch.Policy.allCases.map(\.rawValue)),
            help: "fixed: the same steps in any world; per_worker: the batch grows with the workers that are in",
            assign: { (value, place, recipe) throws(RecipeError) in
                recipe.batch.policy = try value.choice(Batch.Policy.self, at: place)
                return nil
            },
            // Unsaid where it changes nothing: runs that began before there was a choice keep their name.
            value: { $0.batch.policy == .fixed ? nil : .text($0.batch.policy.rawValue) }),
        Setting(
            key: "batch_ramp_steps", shape: .whole(0...1_000_000),
            help: "per_worker: steps over which learning rates follow when a worker comes or goes; 0 is at once",
            assign: { (value, place, recipe) throws(RecipeError) in
                recipe.batch.rampSteps = try value.whole(at: place, in: 0...1_000_000)
                return nil
            },
            value: { $0.batch.policy == .fixed ? nil : .whole($0.batch.rampSteps) }),
    ]

    private static let objective: [Setting<Recipe>] = [
        .whole("min_timestep", \.objective.minTimestep, in: 0...999, "the first timestep trained on"),
        .whole("max_timestep", \.objective.maxTimestep, in: 1...1000, "the timestep before which training stops"),
        .number(
            "noise_offset", \.objective.noiseOffset, in: 0...10, "how far each channel's noise is shifted as a whole"),
        .whole("multires_noise_iterations", \.objective.multiresNoiseIterations, in: 0...32, "layers of coarser noise"),
        .number(
            "multires_noise_discount", \.objective.multiresNoiseDiscount, in: 0...1, "the share of each coarser layer"),
        .number(
            "ip_noise_gamma", \.objective.ipNoiseGamma, in: 0...10,
            "noise on the noisy input that the target does not have"),
        .number(
            "min_snr_gamma", optional: \.objective.minSNRGamma, in: 0...1000, zeroIsNone: true,
            "weigh the loss by min(SNR, gamma) / SNR"),
        .flag("debiased_estimation_loss", \.objective.debiasedEstimation, "weigh the loss by 1 / sqrt(SNR)"),
        .flag("zero_terminal_snr", \.objective.zeroTerminalSNR, "let the last timestep be pure noise"),
    ]

    private static let precision: [Setting<Recipe>] = [
        .choice("mixed_precision", \.precision.mixed, "the number format that workers compute in"),
        .flag(
            "gradient_checkpointing", \.precision.gradientCheckpointing,
            "compute activations again instead of keeping them"
        ).besideTheResult,
        .flag("no_half_vae", \.precision.noHalfVAE, "let the VAE compute in fp32"),
    ]

    private static let run: [Setting<Recipe>] = [
        .text("output_dir", \.run.outputDirectory, named: "DIR", "where the LoRA and the run's files go")
            .besideTheResult,
        .text("output_name", \.run.outputName, named: "NAME", "the stem of the LoRA's file").besideTheResult,
        .whole("max_train_steps", \.run.maxTrainSteps, in: 1...1_000_000_000, "steps to train"),
        .whole(
            "max_train_epochs", optional: \.run.maxTrainEpochs, in: 1...1_000_000,
            "epochs to train, instead of max_train_steps"),
        Setting(
            key: "seed", shape: .whole(0...Int.max), help: "what every random number comes from",
            assign: { (value, place, recipe) throws(RecipeError) in
                recipe.run.seed = UInt64(try value.whole(at: place, in: 0...Int.max))
                return nil
            },
            value: { .whole(Int(clamping: $0.run.seed)) }),
        .choice("save_precision", \.run.savePrecision, "the number format of the LoRA's file"),
        .whole(
            "save_every_n_epochs", optional: \.run.saveEveryNEpochs, in: 1...1_000_000, zeroIsNone: true,
            "save a file after every N epochs"
        )
        .besideTheResult,
        .whole(
            "save_every_n_steps", optional: \.run.saveEveryNSteps, in: 1...1_000_000_000, zeroIsNone: true,
            "save a file after every N steps"
        )
        .besideTheResult,
        .text("training_comment", optional: \.run.trainingComment, "a comment in the file's metadata").besideTheResult,
        .flag("no_metadata", \.run.noMetadata, "write only the metadata that tools need").besideTheResult,
        Setting(
            key: "log_with", shape: .choice(["tensorboard", "none"]), help: "which logs are written while it trains",
            decidesResult: false,
            assign: { (value, place, recipe) throws(RecipeError) in
                let name = try value.text(at: place)
                guard ["tensorboard", "none", "wandb", "all"].contains(name) else {
                    throw .notAllowed(place, value: value, allowed: "tensorboard or none")
                }
                recipe.run.writesTensorBoard = name != "none"
                return ["wandb", "all"].contains(name)
                    ? "log_with = \"\(name)\": nothing is sent to wandb; TensorBoard files are written" : nil
            },
            value: { .text($0.run.writesTensorBoard ? "tensorboard" : "none") }),
        .text(
            "logging_dir", optional: \.run.loggingDirectory, named: "DIR",
            "where TensorBoard files go, in a folder for each run; unset is tensorboard in output_dir"
        ).besideTheResult,
    ]

    private static let cluster: [Setting<Recipe>] = [
        .whole(
            "threads_per_worker", optional: \.cluster.threadsPerWorker, in: 1...1024,
            "threads a worker computes with; part of what makes results exact"),
        Setting(
            key: "device", shape: .text("auto|cpu|cuda:N"), help: "what workers compute on", decidesResult: false,
            assign: { (value, place, recipe) throws(RecipeError) in
                let device = try value.text(at: place)
                let number = device.hasPrefix("cuda:") ? UInt8(device.dropFirst(5)) : nil
                guard ["auto", "cpu", "cuda"].contains(device) || number != nil else {
                    throw .notAllowed(place, value: value, allowed: "auto, cpu, or cuda:N with N from 0")
                }
                recipe.cluster.device = device
                return nil
            },
            value: { .text($0.cluster.device) }),
        .choice("topology", \.cluster.topology, "how gradients travel among workers").besideTheResult,
        .choice("packing", \.cluster.packing, "whether fp32 numbers travel in fewer bytes, with the same bits")
            .besideTheResult,
        Setting(
            key: "gradient_format", shape: .choice(GradientFormat.allCases.map(\.rawValue)),
            help: "how gradients are written on their way; all but fp32, the default, round and are never exact",
            assign: { (value, place, recipe) throws(RecipeError) in
                recipe.cluster.gradientFormat = try value.choice(GradientFormat.self, at: place)
                return nil
            },
            // Unsaid where it changes nothing, as with batch_policy.
            value: { $0.cluster.gradientFormat == .fp32 ? nil : .text($0.cluster.gradientFormat.rawValue) }),
        Setting(
            key: "update_format", shape: .choice(GradientFormat.allCases.map(\.rawValue)),
            help: "how changes of the weights are written; fp32, the default, sends all weights; others round",
            assign: { (value, place, recipe) throws(RecipeError) in
                recipe.cluster.updateFormat = try value.choice(GradientFormat.self, at: place)
                return nil
            },
            value: { $0.cluster.updateFormat == .fp32 ? nil : .text($0.cluster.updateFormat.rawValue) }),
        .flag("exact", \.cluster.exact, "admit only workers that give the same bits").besideTheResult,
    ]
}

extension Schedule.Warmup {
    /// `100` is steps, `0.1` and `"10%"` are a tenth of all steps.
    init(_ value: SettingValue, at place: SettingPlace) throws(RecipeError) {
        let allowed = SettingShape.stepsOrShare.allowed
        switch value {
        case .whole(let steps) where (0...1_000_000_000).contains(steps):
            self = .steps(steps)
        case .number(let share) where share >= 0 && share < 1:
            self = share == 0 ? .steps(0) : .ratio(share)
        case .number(let steps) where steps >= 1 && steps <= 1e9 && steps == steps.rounded():
            self = .steps(Int(steps))
        case .text(let text) where text.hasSuffix("%"):
            guard let percent = Double(text.dropLast()), percent >= 0, percent < 100 else {
                throw .notAllowed(place, value: value, allowed: allowed)
            }
            self = percent == 0 ? .steps(0) : .ratio(percent / 100)
        case .whole, .number:
            throw .notAllowed(place, value: value, allowed: allowed)
        default:
            throw .wrongType(place, value: value, expected: allowed)
        }
    }
}
