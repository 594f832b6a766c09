/// What is written beside the tensors of a LoRA file: how it came to be, under the names that kohya's scripts use.
///
/// Other tools read it: A1111 and ComfyUI show it, and know base model, clip skip and trigger words by it. The keys are
/// those of sd-scripts' `train_network.py` and, under `modelspec.`, of `sai_model_spec.py` 1.0.1. What Danlu does not
/// have is written as the scripts write it when it is off.
package struct AdapterMetadata: Sendable {
    /// What was adapted, and from what.
    package struct Network: Sendable {
        package var rank = 4
        package var alpha = 1.0
        /// `network_args`, in order.
        package var arguments: [(key: String, value: String)] = []
        /// SD 2.x.
        package var isVersion2 = false
        package var vParameterization = false
        /// The base model's file or folder name, without its path.
        package var modelName: String?
        /// Of a single file: its hash over a window (`SafetensorsFile.legacyHash`) and over all of it (`fileHash`).
        package var modelLegacyHash: String?
        package var modelHash: String?
        package var vaeName: String?
        package var vaeLegacyHash: String?
        package var vaeHash: String?

        package init() {}
    }

    /// What it was trained on.
    package struct Data: Sendable {
        /// A folder of pictures.
        package struct Folder: Sendable {
            package var name: String
            package var repeats: Int
            package var imageCount: Int
            package var isRegularization: Bool

            package init(name: String, repeats: Int, imageCount: Int, isRegularization: Bool = false) {
                self.name = name
                self.repeats = repeats
                self.imageCount = imageCount
                self.isRegularization = isRegularization
            }
        }
        /// A bucket and the pictures in it, repeats counted.
        package struct Bucket: Sendable {
            package var width: Int
            package var height: Int
            package var count: Int

            package init(width: Int, height: Int, count: Int) {
                self.width = width
                self.height = height
                self.count = count
            }
        }

        /// What a `dataset_config` lists; empty where `train_data_dir` says where the pictures are.
        package var datasets: [Dataset] = []
        package var folders: [Folder] = []
        package var buckets: [Bucket] = []
        /// The mean difference between a picture's aspect ratio and its bucket's.
        package var meanAspectError = 0.0
        /// Folder → tag → how often it stands in the folder's captions.
        package var tagFrequency: [String: [String: Int]] = [:]
        /// Pictures with repeats.
        package var trainImages = 0
        package var regularizationImages = 0
        package var validation = Validation()
        package var width = 512
        package var height = 512
        package var enableBucket = false
        package var bucketNoUpscale = false
        package var minBucketResolution = 256
        package var maxBucketResolution = 1024
        package var flipAugmentation = false
        package var randomCrop = false
        package var shuffleCaption = false
        package var keepTokens = 0
        package var captionDropoutRate = 0.0
        package var captionDropoutEveryNEpochs = 0
        package var captionTagDropoutRate = 0.0
        package var cacheLatents = true
        package var priorLossWeight = 1.0

        package init() {}
    }

    /// What was held out, and how often it was looked at.
    package struct Validation: Sendable {
        package var images = 0
        package var split = 0.0
        package var seed: Int?
        package var maxSteps: Int?
        package var everyNEpochs: Int?
        package var everyNSteps: Int?

        package init() {}
    }

    /// How it was trained.
    package struct Training: Sendable {
        package var sessionID = 0
        /// Seconds since 1970.
        package var startedAt = 0.0
        package var finishedAt = 0.0
        package var outputName: String?
        package var comment: String?
        package var seed: UInt64 = 0
        package var learningRate: Double?
        package var unetLearningRate: Double?
        package var textEncoderLearningRate: Double?
        /// As the scripts name it: `torch.optim.adamw.AdamW(weight_decay=0.01)`.
        package var optimizer = "torch.optim.adamw.AdamW"
        package var schedule = "constant"
        package var warmupSteps = 0
        package var maxGradientNorm = 1.0
        package var batchSize = 1
        package var totalBatchSize = 1
        package var batchesPerEpoch = 0
        package var gradientAccumulationSteps = 1
        package var epochs = 1
        package var maxTrainSteps = 0
        /// Where the file was saved.
        package var epoch = 0
        package var step = 0
        /// `no`, `fp16` or `bf16`.
        package var mixedPrecision = "no"
        package var gradientCheckpointing = false
        package var clipSkip: Int?
        package var maxTokenLength: Int?
        package var noiseOffset: Double?
        package var multiresNoiseIterations: Int?
        package var multiresNoiseDiscount = 0.3
        package var ipNoiseGamma: Double?
        package var zeroTerminalSNR = false
        package var minSNRGamma: Double?
        package var debiasedEstimation = false

        package init() {}
    }

    package var network = Network()
    package var data = Data()
    package var training = Training()
    /// kohya's `no_metadata`: only what is needed to use the file.
    package var isMinimal = false

    package init() {}

    /// Keys and texts for the file's header.
    package var entries: [String: String] {
        var values = networkValues
        if !isMinimal {
            for more in [modelValues, dataValues, trainingValues] { values.merge(more) { $1 } }
            if !data.datasets.isEmpty {
                values = values.filter { !Self.ofOneDataset.contains($0.key) }.merging(datasetValues) { $1 }
            }
        }
        return values.mapValues(\.string).merging(modelSpec) { $1 }
    }
}
