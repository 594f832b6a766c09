/// Everything that decides a run's result, as values: the same recipe gives the same LoRA in any world.
///
/// Its parts are named in the field's words; ``Recipe`` in TOML and on the command line uses kohya's flag names.
package struct Recipe: Codable, Equatable, Sendable {
    package var model = BaseModel()
    package var data = TrainingData()
    package var network = Network()
    package var optimizer = Optimizer()
    package var schedule = Schedule()
    package var batch = Batch()
    package var objective = Objective()
    package var precision = Precision()
    package var run = Run()
    package var samples = Samples()
    package var validation = Validation()
    package var cluster = Cluster()

    package init() {}
}

/// The frozen model that a LoRA is trained for.
package struct BaseModel: Codable, Equatable, Sendable {
    /// `pretrained_model_name_or_path`: a diffusers folder, or one `.safetensors` file in LDM naming.
    package var path = ""
    /// `vae`: a VAE that replaces the model's own (folder or `.safetensors`), or nil.
    package var vae: String?
    /// `v_parameterization`: true or false as the user said; nil follows the model's scheduler configuration.
    package var vParameterization: Bool?
    /// `clip_skip` n: the text encoder's hidden state n layers from the end; 1 is the last.
    package var clipSkip = 1
    /// `max_token_length`: 75, 150 or 225 tokens of a caption.
    package var maxTokenLength = 75

    package init() {}
}

/// Where the pictures are and how they become batches.
package struct TrainingData: Codable, Equatable, Sendable {
    /// What `dataset_config` or `[[datasets]]` listed; empty when `train_data_dir` says where the pictures are.
    package var datasets: [Dataset] = []
    /// `train_data_dir`: a folder of `<repeats>_<class tokens>` folders, which the dataset room expands.
    package var trainDataDirectory: String?
    /// `reg_data_dir`: the same, of regularization pictures.
    package var regDataDirectory: String?
    /// What a dataset is that says nothing else; `train_data_dir` becomes one like this; it has no subsets.
    package var datasetDefaults = Dataset()
    /// What a subset is that says nothing else: `shuffle_caption` and its kin, given for all.
    package var subsetDefaults = Subset()
    /// `prior_loss_weight`: what a regularization picture's loss is multiplied by.
    package var priorLossWeight = 1.0
    /// `cache_latents`: keep what the VAE says of a picture for the whole run.
    package var cacheLatents = true
    /// `cache_latents_to_disk`: keep it across runs too.
    package var cacheLatentsToDisk = false

    package init() {}

    /// Pictures that share a resolution and a set of buckets.
    package struct Dataset: Codable, Equatable, Sendable {
        /// `resolution`, in pixels.
        package var width = 512
        package var height = 512
        /// `batch_size` of a dataset file; nil takes `train_batch_size`.
        package var batchSize: Int?
        package var enableBucket = false
        package var minBucketResolution = 256
        package var maxBucketResolution = 1024
        package var bucketResolutionSteps = 64
        package var bucketNoUpscale = false
        package var subsets: [Subset] = []

        package init() {}
    }

    /// One folder of pictures.
    package struct Subset: Codable, Equatable, Sendable {
        /// `image_dir`.
        package var imageDirectory = ""
        /// `num_repeats`: how often an epoch sees each picture.
        package var repeats = 1
        /// `is_reg`: regularization pictures, which hold the rest of the world in place.
        package var isRegularization = false
        /// `class_tokens`: the caption of a picture that has none.
        package var classTokens: String?
        /// `caption_extension`; nil tries `.txt`, then `.caption`.
        package var captionExtension: String?
        package var shuffleCaption = false
        package var keepTokens = 0
        package var captionSeparator = ","
        package var captionPrefix: String?
        package var captionSuffix: String?
        package var captionDropoutRate = 0.0
        package var captionDropoutEveryNEpochs = 0
        package var captionTagDropoutRate = 0.0
        package var flipAugmentation = false
        package var randomCrop = false
        /// `validation_split`: the share of the pictures that is held out for validation; 1 trains on none of them.
        ///
        /// Regularization pictures are never held out.
        package var validationSplit = 0.0
        /// `validation_seed`: which are held out, and the noise they are looked at with; nil takes the run's seed.
        package var validationSeed: UInt64?

        package init() {}
    }
}

/// The adapter that is trained.
package struct Network: Codable, Equatable, Sendable {
    /// `network_dim`: the rank r of every `ΔW = (α / r)·B·A`.
    package var rank = 4
    /// `network_alpha`: α, where 0 means "as the rank".
    package var alpha = 1.0
    /// Neither of `network_train_unet_only` and `network_train_text_encoder_only` trains both.
    package var trainsUNet = true
    package var trainsTextEncoder = true
    /// `network_weights`: a LoRA file to continue from.
    package var initialWeights: String?

    package init() {}

    /// α / r.
    package var scale: Double { (alpha == 0 ? Double(rank) : alpha) / Double(rank) }
}

/// How gradients become a step.
package struct Optimizer: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Sendable {
        case adamW = "AdamW"
        case sgd = "SGD"
    }
    package var kind = Kind.adamW
    /// `learning_rate`: for every part that has none of its own.
    package var learningRate = 1e-4
    package var unetLearningRate: Double?
    package var textEncoderLearningRate: Double?
    /// `loraplus_lr_ratio` of `network_args`: B's learning rate over A's; nil trains both alike.
    package var loraPlusRatio: Double?
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8
    package var weightDecay = 0.01
    /// SGD's momentum, and whether it is Nesterov's.
    package var momentum = 0.0
    package var nesterov = false
    /// `max_grad_norm`: the global L2 norm a gradient is clipped to; 0 never clips.
    package var maxGradientNorm = 1.0

    package init() {}
}

/// How the learning rate moves with the step.
package struct Schedule: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Sendable {
        case constant
        case constantWithWarmup = "constant_with_warmup"
        case linear
        case cosine
        case cosineWithRestarts = "cosine_with_restarts"
        case polynomial
    }
    package enum Warmup: Codable, Equatable, Sendable {
        case steps(Int)
        /// A share of all steps, below 1.
        case ratio(Double)
    }
    package var kind = Kind.constant
    package var warmup = Warmup.steps(0)
    /// `lr_scheduler_num_cycles`.
    package var cycles = 1
    /// `lr_scheduler_power`.
    package var power = 1.0

    package init() {}
}

/// How samples become slots and slots a step, and what that does to the learning rate.
package struct Batch: Codable, Equatable, Sendable {
    package enum ScalingRule: String, Codable, CaseIterable, Sendable {
        case auto, none, linear, sqrt
    }
    package enum Policy: String, Codable, CaseIterable, Sendable {
        /// A step's slots are the same whoever is in.
        case fixed
        /// So many slots for each worker that is in when the step begins.
        case perWorker = "per_worker"
    }
    /// `batch_policy`.
    package var policy = Policy.fixed
    /// `batch_ramp_steps`: steps over which learning rates follow a change of the world; `per_worker` alone has them.
    package var rampSteps = 20
    /// `train_batch_size`: samples in a slot.
    package var trainBatchSize = 1
    /// `gradient_accumulation_steps`: slots in a step (with `per_worker`, of each worker), when `global_batch_size` is
    /// not given.
    package var gradientAccumulationSteps = 1
    /// `global_batch_size`: samples in a step; a multiple of `train_batch_size`.
    package var globalBatchSize: Int?
    /// `base_batch_size`: the batch that the learning rates are meant for; nil means the effective batch itself, with
    /// `per_worker` that of one worker.
    package var baseBatchSize: Int?
    /// `lr_scaling`.
    package var scalingRule = ScalingRule.auto
    /// `lr_scaling_warmup_steps`: steps over which the learning rate climbs from the base to the scaled one.
    package var scalingWarmupSteps = 0
    /// `scale_adam_betas`: the full rule of Malladi and others (β1, β2 and ε too), see ``BatchScaling``.
    package var scalesAdamBetas = false

    package init() {}

    /// S, the slots of a full step; with `per_worker` those of one worker.
    package var slotsPerStep: Int {
        globalBatchSize.map { max(1, $0 / trainBatchSize) } ?? gradientAccumulationSteps
    }

    /// Samples in a full step (with `per_worker`, of one worker): slots at a bucket's tail and steps at an epoch's end may
    /// have fewer.
    package var effectiveBatch: Int { slotsPerStep * trainBatchSize }

    /// Samples in a full step when so many workers are in.
    package func effectiveBatch(workers: Int) -> Int {
        policy == .perWorker ? effectiveBatch * max(1, workers) : effectiveBatch
    }

    /// The batch that the learning rates are meant for.
    package var referenceBatch: Double { Double(baseBatchSize ?? effectiveBatch) }

    /// κ: the batch of so many workers over the one that the learning rates are meant for.
    package func ratio(workers: Int = 1) -> Double {
        Double(effectiveBatch(workers: workers)) / referenceBatch
    }
}

/// What is asked of the model: noise, timesteps and the weighting of the loss.
package struct Objective: Codable, Equatable, Sendable {
    package var minTimestep = 0
    /// Exclusive.
    package var maxTimestep = 1000
    package var noiseOffset = 0.0
    package var multiresNoiseIterations = 0
    package var multiresNoiseDiscount = 0.3
    package var ipNoiseGamma = 0.0
    package var minSNRGamma: Double?
    package var debiasedEstimation = false
    package var zeroTerminalSNR = false

    package init() {}
}

/// Number formats of a worker's computing, and what is recomputed to save memory.
package struct Precision: Codable, Equatable, Sendable {
    package enum Mixed: String, Codable, CaseIterable, Sendable {
        case no, fp16, bf16
    }
    package var mixed = Mixed.no
    package var gradientCheckpointing = false
    /// `no_half_vae`: the VAE computes in fp32 whatever `mixed_precision` says.
    package var noHalfVAE = false

    package init() {}
}

/// How long a run lasts and what it writes.
package struct Run: Codable, Equatable, Sendable {
    package enum SavePrecision: String, Codable, CaseIterable, Sendable {
        case fp32 = "float", fp16, bf16
    }
    package var outputDirectory = "output"
    /// `output_name`: the stem of the LoRA's file.
    package var outputName = "last"
    package var maxTrainSteps = 1600
    /// Overrides `max_train_steps`.
    package var maxTrainEpochs: Int?
    package var seed: UInt64 = 0
    package var savePrecision = SavePrecision.fp32
    package var saveEveryNEpochs: Int?
    package var saveEveryNSteps: Int?
    /// `training_comment`, written into the file's metadata.
    package var trainingComment: String?
    package var noMetadata = false
    /// `log_with`: whether TensorBoard files are written.
    package var writesTensorBoard = true
    /// `logging_dir`: where they go; nil is the run's own folder.
    package var loggingDirectory: String?

    package init() {}
}

/// What of the cluster is part of the recipe, because it can change the last bit of a result.
package struct Cluster: Codable, Equatable, Sendable {
    /// `threads_per_worker`; nil is settled when the plan is made: the box's cores over its local workers.
    package var threadsPerWorker: Int?
    /// `device`: `auto`, `cpu` or `cuda:N`.
    package var device = "auto"
    /// `exact`: admit workers of one exactness class only.
    package var exact = false
    /// `topology`: through the coordinator, or among the workers.
    package var topology = Topology.auto
    /// `packing`: whether fp32 numbers go in fewer bytes.
    package var packing = Packing.auto
    /// `gradient_format`: anything but fp32 rounds, and the result is then not exact.
    package var gradientFormat = GradientFormat.fp32
    /// `update_format`: fp32 sends weights as they are; anything else sends what a step has changed, rounded.
    package var updateFormat = GradientFormat.fp32

    package init() {}
}
