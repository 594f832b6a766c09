import FoundationEssentials

extension AdapterMetadata {
    /// What the scripts keep even under `no_metadata`.
    var networkValues: [String: PythonValue] {
        var values: [String: PythonValue] = [
            "ss_v2": .bool(network.isVersion2),
            "ss_base_model_version": .text(
                (network.isVersion2 ? "sd_v2" : "sd_v1") + (network.vParameterization ? "_v" : "")),
            "ss_network_module": "networks.lora",
            "ss_network_dim": .int(network.rank),
            "ss_network_alpha": .float(network.alpha),
        ]
        if !network.arguments.isEmpty {
            values["ss_network_args"] = .dictionary(network.arguments.map { ($0.key, .text($0.value)) })
        }
        return values
    }

    /// Keys that describe the one dataset there is, which `ss_datasets` takes the place of.
    static let ofOneDataset: Set = [
        "ss_batch_size_per_device", "ss_total_batch_size", "ss_resolution", "ss_color_aug", "ss_flip_aug",
        "ss_random_crop", "ss_shuffle_caption", "ss_enable_bucket", "ss_bucket_no_upscale", "ss_min_bucket_reso",
        "ss_max_bucket_reso", "ss_keep_tokens", "ss_reg_dataset_dirs", "ss_bucket_info",
    ]

    var datasetValues: [String: PythonValue] {
        ["ss_datasets": .list(data.datasets.map(\.value)), "ss_dataset_dirs": data.folderValue]
    }

    var modelValues: [String: PythonValue] {
        let known: [String: String?] = [
            "ss_sd_model_name": network.modelName,
            "ss_sd_model_hash": network.modelLegacyHash,
            "ss_new_sd_model_hash": network.modelHash,
            "ss_vae_name": network.vaeName,
            "ss_vae_hash": network.vaeLegacyHash,
            "ss_new_vae_hash": network.vaeHash,
        ]
        return known.compactMapValues { $0.map { .text($0) } }
    }

    var dataValues: [String: PythonValue] {
        func folders(_ regularization: Bool) -> PythonValue {
            .dictionary(
                data.folders.filter { $0.isRegularization == regularization }.map { folder in
                    let counts = [("n_repeats", folder.repeats), ("img_count", folder.imageCount)]
                    return (folder.name, .dictionary(counts.map { ($0, .int($1)) }))
                })
        }
        return [
            "ss_num_train_images": .int(data.trainImages),
            "ss_num_validation_images": .int(data.validation.images),
            "ss_num_reg_images": .int(data.regularizationImages),
            "ss_resolution": .text("(\(data.width), \(data.height))"),
            "ss_enable_bucket": .bool(data.enableBucket),
            "ss_bucket_no_upscale": .bool(data.bucketNoUpscale),
            "ss_min_bucket_reso": .int(data.minBucketResolution),
            "ss_max_bucket_reso": .int(data.maxBucketResolution),
            "ss_color_aug": false,
            "ss_flip_aug": .bool(data.flipAugmentation),
            "ss_random_crop": .bool(data.randomCrop),
            "ss_shuffle_caption": .bool(data.shuffleCaption),
            "ss_keep_tokens": .int(data.keepTokens),
            "ss_caption_dropout_rate": .float(data.captionDropoutRate),
            "ss_caption_dropout_every_n_epochs": .int(data.captionDropoutEveryNEpochs),
            "ss_caption_tag_dropout_rate": .float(data.captionTagDropoutRate),
            "ss_face_crop_aug_range": nil,
            "ss_cache_latents": .bool(data.cacheLatents),
            "ss_prior_loss_weight": .float(data.priorLossWeight),
            "ss_dataset_dirs": folders(false),
            "ss_reg_dataset_dirs": folders(true),
            "ss_tag_frequency": AdapterMetadata.Data.value(data.tagFrequency),
            "ss_bucket_info": !data.enableBucket
                ? nil : AdapterMetadata.Data.value(data.buckets, meanAspectError: data.meanAspectError),
            "ss_resize_interpolation": nil,
        ]
    }

    var trainingValues: [String: PythonValue] {
        [
            "ss_network_dropout": nil,
            "ss_session_id": .int(training.sessionID),
            "ss_training_started_at": .float(training.startedAt),
            "ss_training_finished_at": .float(training.finishedAt),
            "ss_output_name": PythonValue(training.outputName),
            "ss_training_comment": PythonValue(training.comment),
            "ss_sd_scripts_commit_hash": nil,
            "ss_seed": .text(String(training.seed)),
            "ss_learning_rate": PythonValue(training.learningRate),
            "ss_unet_lr": PythonValue(training.unetLearningRate),
            "ss_text_encoder_lr": PythonValue(training.textEncoderLearningRate),
            "ss_optimizer": .text(training.optimizer),
            "ss_lr_scheduler": .text(training.schedule),
            "ss_lr_warmup_steps": .int(training.warmupSteps),
            "ss_max_grad_norm": .float(training.maxGradientNorm),
            "ss_scale_weight_norms": nil,
            "ss_batch_size_per_device": .int(training.batchSize),
            "ss_total_batch_size": .int(training.totalBatchSize),
            "ss_num_batches_per_epoch": .int(training.batchesPerEpoch),
            "ss_gradient_accumulation_steps": .int(training.gradientAccumulationSteps),
            "ss_num_epochs": .int(training.epochs),
            "ss_max_train_steps": .int(training.maxTrainSteps),
            "ss_epoch": .int(training.epoch),
            "ss_steps": .int(training.step),
            "ss_mixed_precision": .text(training.mixedPrecision),
            "ss_full_fp16": false,
            "ss_fp8_base": false,
            "ss_fp8_base_unet": false,
            "ss_lowram": false,
            "ss_gradient_checkpointing": .bool(training.gradientCheckpointing),
            "ss_clip_skip": PythonValue(training.clipSkip),
            "ss_max_token_length": PythonValue(training.maxTokenLength),
            "ss_noise_offset": PythonValue(training.noiseOffset),
            "ss_noise_offset_random_strength": false,
            "ss_adaptive_noise_scale": nil,
            "ss_multires_noise_iterations": PythonValue(training.multiresNoiseIterations),
            "ss_multires_noise_discount": .float(training.multiresNoiseDiscount),
            "ss_ip_noise_gamma": PythonValue(training.ipNoiseGamma),
            "ss_ip_noise_gamma_random_strength": false,
            "ss_zero_terminal_snr": .bool(training.zeroTerminalSNR),
            "ss_min_snr_gamma": PythonValue(training.minSNRGamma),
            "ss_debiased_estimation": .bool(training.debiasedEstimation),
            "ss_loss_type": "l2",
            "ss_huber_schedule": "snr",
            "ss_huber_scale": .float(1),
            "ss_huber_c": .float(0.1),
            "ss_validation_seed": PythonValue(data.validation.seed),
            "ss_validation_split": .float(data.validation.split),
            "ss_max_validation_steps": PythonValue(data.validation.maxSteps),
            "ss_validate_every_n_epochs": PythonValue(data.validation.everyNEpochs),
            "ss_validate_every_n_steps": PythonValue(data.validation.everyNSteps),
        ]
    }

    /// The Stability AI model specification's part: `build_metadata` of `sai_model_spec.py`.
    var modelSpec: [String: String] {
        let architecture =
            !network.isVersion2
            ? "stable-diffusion-v1"
            : network.vParameterization ? "stable-diffusion-v2-768-v" : "stable-diffusion-v2-512"
        var entries = [
            "modelspec.sai_model_spec": "1.0.1",
            "modelspec.architecture": architecture + "/lora",
            "modelspec.implementation": "diffusers",
            "modelspec.title": training.outputName ?? "LoRA",
            "modelspec.resolution": "\(data.width)x\(data.height)",
            "modelspec.prediction_type": network.vParameterization ? "v" : "epsilon",
            "modelspec.date": isoDate(training.finishedAt),
        ]
        if let clipSkip = training.clipSkip { entries["modelspec.encoder_layer"] = String(clipSkip) }
        return entries
    }

    /// The date and time in UTC without a zone, as `datetime.isoformat` writes it.
    private func isoDate(_ seconds: Double) -> String {
        let style = Date.ISO8601FormatStyle().year().month().day().dateTimeSeparator(.standard).time(
            includingFractionalSeconds: false)
        return Date(timeIntervalSince1970: seconds.rounded(.down)).formatted(style)
    }
}
