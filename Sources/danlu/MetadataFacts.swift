import Adapters
import Dataset
import Foundation
import Images
import Recipe
import Safetensors
import StableDiffusion

/// What a LoRA file says of how it came to be, gathered from the run.
struct MetadataFacts {
    private let run: PreparedRun
    private let startedAt = Date().timeIntervalSince1970

    init(_ run: PreparedRun) {
        self.run = run
    }

    /// The file's metadata after so many steps.
    func entries(table: ShapeTable, step: Int, epoch: Int) throws -> [String: String] {
        let recipe = run.recipe
        var metadata = AdapterMetadata()
        metadata.isMinimal = recipe.run.noMetadata
        metadata.network.rank = recipe.network.rank
        metadata.network.alpha = recipe.network.scale * Double(recipe.network.rank)
        metadata.network.isVersion2 = run.checkpoint.family == .stableDiffusion2
        metadata.network.vParameterization = run.checkpoint.configuration.scheduler.predictionType == .velocity
        metadata.network.modelName = URL(filePath: recipe.model.path).lastPathComponent
        metadata.network.modelLegacyHash = modelLegacyHash
        metadata.network.arguments = recipe.optimizer.loraPlusRatio.map { [("loraplus_lr_ratio", "\($0)")] } ?? []
        metadata.network.vaeName = recipe.model.vae.map { URL(filePath: $0).lastPathComponent }
        metadata.data = data
        metadata.training = training(step: step, epoch: epoch)
        return metadata.entries
    }

    /// Of a base model that is a single file.
    private var modelLegacyHash: String? {
        let path = run.recipe.model.path
        return path.hasSuffix(".safetensors") ? try? SafetensorsFile(path: path).legacyHash : nil
    }

    private var data: AdapterMetadata.Data {
        let recipe = run.recipe
        let manifest = run.manifest
        var data = AdapterMetadata.Data()
        data.folders = manifest.folders.map { folder in
            AdapterMetadata.Data.Folder(
                name: URL(filePath: folder.path).lastPathComponent, repeats: folder.repeats,
                imageCount: manifest.trainedCount(of: folder), isRegularization: folder.isRegularization)
        }.filter { $0.imageCount > 0 }
        data.buckets = run.plan.buckets.map {
            AdapterMetadata.Data.Bucket(width: $0.width, height: $0.height, count: $0.samplesPerEpoch)
        }
        data.trainImages = manifest.pictures.filter { !$0.isRegularization }.reduce(0) { $0 + $1.repeats }
        data.regularizationImages = manifest.pictures.filter(\.isRegularization).reduce(0) { $0 + $1.repeats }
        data.validation.images = manifest.heldOut.count
        data.validation.split = recipe.data.subsetDefaults.validationSplit
        data.validation.seed = recipe.data.subsetDefaults.validationSeed.map { Int(clamping: $0) }
        data.validation.maxSteps = recipe.validation.maxSteps
        data.validation.everyNEpochs = recipe.validation.everyNEpochs
        data.validation.everyNSteps = recipe.validation.everyNSteps
        data.tagFrequency = Self.tagFrequency(manifest.pictures, in: recipe.data)
        data.meanAspectError = Self.meanAspectError(manifest.pictures)
        if run.listsDatasets {
            data.datasets = recipe.data.datasets.indices.map { DatasetFacts(run, dataset: $0).metadata }
        }
        data.cacheLatents = recipe.data.cacheLatents
        data.priorLossWeight = recipe.data.priorLossWeight
        guard let dataset = recipe.data.datasets.first, let subset = dataset.subsets.first else { return data }
        data.width = dataset.width
        data.height = dataset.height
        data.enableBucket = dataset.enableBucket
        data.bucketNoUpscale = dataset.bucketNoUpscale
        data.minBucketResolution = dataset.minBucketResolution
        data.maxBucketResolution = dataset.maxBucketResolution
        data.flipAugmentation = subset.flipAugmentation
        data.randomCrop = subset.randomCrop
        data.shuffleCaption = subset.shuffleCaption
        data.keepTokens = subset.keepTokens
        data.captionDropoutRate = subset.captionDropoutRate
        data.captionDropoutEveryNEpochs = subset.captionDropoutEveryNEpochs
        data.captionTagDropoutRate = subset.captionTagDropoutRate
        return data
    }

    /// The scripts' `mean_img_ar_error`.
    static func meanAspectError(_ pictures: [Manifest.Picture]) -> Double {
        func ratio(_ size: PixelSize) -> Double { Double(size.width) / Double(size.height) }
        let errors = pictures.map { abs(ratio($0.bucket) - ratio($0.size)) }
        return errors.reduce(0, +) / Double(max(1, errors.count))
    }

    static func tagFrequency(
        _ pictures: [Manifest.Picture], in data: TrainingData
    ) -> [String: [String: Int]] {
        var frequency: [String: [String: Int]] = [:]
        for picture in pictures {
            let subset = data.datasets[picture.dataset].subsets[picture.subset]
            let folder = URL(filePath: subset.imageDirectory).lastPathComponent
            for tag in picture.caption.split(separator: ",") {
                let tag = tag.trimmingCharacters(in: .whitespaces)
                if !tag.isEmpty { frequency[folder, default: [:]][tag, default: 0] += 1 }
            }
        }
        return frequency
    }

    private func training(step: Int, epoch: Int) -> AdapterMetadata.Training {
        let recipe = run.recipe
        var training = AdapterMetadata.Training()
        training.sessionID = Int(startedAt)
        training.startedAt = startedAt
        training.finishedAt = Date().timeIntervalSince1970
        training.outputName = recipe.run.outputName
        training.comment = recipe.run.trainingComment
        training.seed = recipe.run.seed
        training.learningRate = recipe.optimizer.learningRate
        training.unetLearningRate = recipe.optimizer.unetLearningRate
        training.textEncoderLearningRate = recipe.optimizer.textEncoderLearningRate
        training.optimizer =
            recipe.optimizer.kind == .adamW ? "torch.optim.adamw.AdamW" : "torch.optim.sgd.SGD"
        training.schedule = recipe.schedule.kind.rawValue
        switch recipe.schedule.warmup {
        case .steps(let steps): training.warmupSteps = steps
        case .ratio(let ratio): training.warmupSteps = Int(ratio * Double(run.plan.totalSteps))
        }
        training.maxGradientNorm = recipe.optimizer.maxGradientNorm
        training.batchSize = recipe.batch.trainBatchSize
        training.totalBatchSize = recipe.batch.effectiveBatch
        training.batchesPerEpoch = run.plan.slotsPerEpoch
        training.gradientAccumulationSteps = recipe.batch.slotsPerStep
        training.epochs = run.plan.epochs
        training.maxTrainSteps = run.plan.totalSteps
        training.epoch = epoch
        training.step = step
        training.mixedPrecision = recipe.precision.mixed.rawValue
        training.gradientCheckpointing = recipe.precision.gradientCheckpointing
        training.clipSkip = recipe.model.clipSkip == 1 ? nil : recipe.model.clipSkip
        training.maxTokenLength = recipe.model.maxTokenLength == 75 ? nil : recipe.model.maxTokenLength
        training.noiseOffset = recipe.objective.noiseOffset == 0 ? nil : recipe.objective.noiseOffset
        training.multiresNoiseIterations =
            recipe.objective.multiresNoiseIterations == 0 ? nil : recipe.objective.multiresNoiseIterations
        training.multiresNoiseDiscount = recipe.objective.multiresNoiseDiscount
        training.ipNoiseGamma = recipe.objective.ipNoiseGamma == 0 ? nil : recipe.objective.ipNoiseGamma
        training.zeroTerminalSNR = recipe.objective.zeroTerminalSNR
        training.minSNRGamma = recipe.objective.minSNRGamma
        training.debiasedEstimation = recipe.objective.debiasedEstimation
        return training
    }
}
