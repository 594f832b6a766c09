extension Recipe {
    /// Refuses settings that cannot stand together.
    package func check() throws(RecipeError) {
        guard !model.path.isEmpty else {
            throw .missing(
                key: "pretrained_model_name_or_path",
                why: "name the base model, a diffusers folder or a .safetensors file")
        }
        guard !data.datasets.isEmpty || data.trainDataDirectory != nil else {
            throw .missing(
                key: "train_data_dir",
                why: "name a folder of <repeats>_<class tokens> folders, or list [[datasets]] or a dataset_config")
        }
        guard network.trainsUNet || network.trainsTextEncoder else {
            throw .contradiction(
                keys: ["network_train_unet_only", "network_train_text_encoder_only"],
                sentence:
                    "network_train_unet_only and network_train_text_encoder_only leave nothing to train; keep one.")
        }
        guard !run.outputName.isEmpty, !run.outputName.contains("/"), ![".", ".."].contains(run.outputName) else {
            throw .contradiction(
                keys: ["output_name"],
                sentence: "output_name = \"\(run.outputName)\" must be a file's name without its ending, and no path; "
                    + "the folder is output_dir.")
        }
        try checkBatch()
        guard cluster.gradientFormat == .fp32 || !cluster.exact else {
            throw .contradiction(
                keys: ["gradient_format", "exact"],
                sentence:
                    "gradient_format = \"\(cluster.gradientFormat.rawValue)\" is never exact, because gradients are rounded "
                    + "on their way; leave exact out, or take gradient_format = \"fp32\".")
        }
        guard cluster.updateFormat == .fp32 || !cluster.exact else {
            throw .contradiction(
                keys: ["update_format", "exact"],
                sentence:
                    "update_format = \"\(cluster.updateFormat.rawValue)\" is never exact, because changes of the weights are "
                    + "rounded on their way; leave exact out, or take update_format = \"fp32\".")
        }
        try checkOptimizer()
        guard objective.minTimestep < objective.maxTimestep else {
            throw .contradiction(
                keys: ["min_timestep", "max_timestep"],
                sentence:
                    "min_timestep = \(objective.minTimestep) must be below max_timestep = \(objective.maxTimestep).")
        }
        for dataset in data.datasets.isEmpty ? [data.datasetDefaults] : data.datasets { try Self.check(dataset) }
        if data.cacheLatents || data.cacheLatentsToDisk, cropsAtRandom {
            throw .contradiction(
                keys: ["random_crop", "cache_latents"],
                sentence: "random_crop needs new latents each time, so it cannot go with cache_latents = true or "
                    + "cache_latents_to_disk = true; set them to false or leave random_crop out.")
        }
    }

    private func checkBatch() throws(RecipeError) {
        if batch.policy == .perWorker {
            guard batch.globalBatchSize == nil else {
                throw .contradiction(
                    keys: ["batch_policy", "global_batch_size"],
                    sentence:
                        "batch_policy = \"per_worker\" lets the batch grow with the workers and global_batch_size "
                        + "fixes it; leave one out (gradient_accumulation_steps says how many slots each worker adds).")
            }
            guard !cluster.exact else {
                throw .contradiction(
                    keys: ["batch_policy", "exact"],
                    sentence: "batch_policy = \"per_worker\" is never exact, because the result depends on who is in "
                        + "when; leave exact out, or take batch_policy = \"fixed\".")
            }
        }
        if let global = batch.globalBatchSize {
            guard global % batch.trainBatchSize == 0 else {
                throw .contradiction(
                    keys: ["global_batch_size", "train_batch_size"],
                    sentence:
                        "global_batch_size = \(global) must be a multiple of train_batch_size = \(batch.trainBatchSize)."
                )
            }
            guard [1, batch.slotsPerStep].contains(batch.gradientAccumulationSteps) else {
                throw .contradiction(
                    keys: ["global_batch_size", "gradient_accumulation_steps"],
                    sentence: "global_batch_size = \(global) means \(batch.slotsPerStep) slots in a step and "
                        + "gradient_accumulation_steps = \(batch.gradientAccumulationSteps) says another number; give one of them."
                )
            }
        }
        do {
            _ = try BatchScaling(recipe: self)
        } catch {
            throw .contradiction(keys: ["scale_adam_betas"], sentence: error.description)
        }
    }

    private func checkOptimizer() throws(RecipeError) {
        if optimizer.nesterov, optimizer.momentum == 0 {
            throw .contradiction(
                keys: ["optimizer_args"],
                sentence: "optimizer_args has nesterov=true without momentum; add momentum=0.9.")
        }
        if schedule.kind == .polynomial, optimizer.learningRate <= Schedule.polynomialEnd {
            throw .contradiction(
                keys: ["lr_scheduler", "learning_rate"],
                sentence: "lr_scheduler = \"polynomial\" ends at \(Schedule.polynomialEnd.short), so learning_rate = "
                    + "\(optimizer.learningRate.short) must lie above that.")
        }
        if schedule.kind == .constant, schedule.warmup != .steps(0) {
            throw .contradiction(
                keys: ["lr_scheduler", "lr_warmup_steps"],
                sentence:
                    "lr_scheduler = \"constant\" has no warm-up; use constant_with_warmup or leave lr_warmup_steps out."
            )
        }
    }

    private static func check(_ dataset: TrainingData.Dataset) throws(RecipeError) {
        guard dataset.enableBucket else { return }
        let (shortest, longest) = (dataset.minBucketResolution, dataset.maxBucketResolution)
        guard shortest <= min(dataset.width, dataset.height), longest >= max(dataset.width, dataset.height) else {
            throw .contradiction(
                keys: ["resolution", "min_bucket_reso", "max_bucket_reso"],
                sentence:
                    "resolution = \(dataset.width),\(dataset.height) must lie between min_bucket_reso = \(shortest) and "
                    + "max_bucket_reso = \(longest) when enable_bucket is on.")
        }
    }

    private var cropsAtRandom: Bool {
        data.datasets.isEmpty
            ? data.subsetDefaults.randomCrop : data.datasets.contains { $0.subsets.contains(where: \.randomCrop) }
    }

    /// Settles what depends on whether a key was given, then checks the whole.
    ///
    /// - Parameter given: keys that the user wrote.
    /// - Returns: notes.
    mutating func settle(given: Set<String>) throws(RecipeError) -> [String] {
        var notes: [String] = []
        if cropsAtRandom, !given.contains("cache_latents"), !data.cacheLatentsToDisk {
            data.cacheLatents = false
            notes.append("cache_latents is off, because random_crop needs new latents each time.")
        }
        if data.cacheLatentsToDisk, !given.contains("cache_latents") { data.cacheLatents = true }
        if objective.zeroTerminalSNR, model.vParameterization == false {
            notes.append("zero_terminal_snr is made for models that predict v; v_parameterization is false.")
        }
        if cluster.gradientFormat != .fp32 {
            notes.append(
                "gradients are rounded to \(cluster.gradientFormat.rawValue) on their way (gradient_format), so the result depends "
                    + "on who computes what and is never exact.")
        }
        if cluster.updateFormat != .fp32 {
            notes.append(
                "changes of the weights are rounded to \(cluster.updateFormat.rawValue) on their way (update_format), so workers "
                    + "compute with weights that are next to the true ones, and the result is never exact.")
        }
        if let note = samples.note { notes.append(note) }
        if !data.holdsOut, let key = Validation.keys.first(where: given.contains) {
            notes.append("\(key) has no effect: no picture is held out; say how many with validation_split.")
        }
        try check()
        return notes
    }
}
