import Adapters
import Dataset
import Foundation
import Recipe

/// What a LoRA file says of one of several datasets.
struct DatasetFacts {
    private let run: PreparedRun
    private let index: Int

    init(_ run: PreparedRun, dataset index: Int) {
        self.run = run
        self.index = index
    }

    private var dataset: TrainingData.Dataset { run.recipe.data.datasets[index] }
    private var pictures: [Manifest.Picture] { run.manifest.pictures.filter { $0.dataset == index } }

    var metadata: AdapterMetadata.Data.Dataset {
        var metadata = AdapterMetadata.Data.Dataset()
        metadata.batchSize = dataset.batchSize ?? run.recipe.batch.trainBatchSize
        metadata.trainImages = pictures.filter { !$0.isRegularization }.reduce(0) { $0 + $1.repeats }
        metadata.regularizationImages = pictures.filter(\.isRegularization).reduce(0) { $0 + $1.repeats }
        metadata.width = dataset.width
        metadata.height = dataset.height
        metadata.enableBucket = dataset.enableBucket
        metadata.minBucketResolution = dataset.minBucketResolution
        metadata.maxBucketResolution = dataset.maxBucketResolution
        metadata.buckets = run.plan.buckets.filter { $0.dataset == index }.map {
            AdapterMetadata.Data.Bucket(width: $0.width, height: $0.height, count: $0.samplesPerEpoch)
        }
        metadata.meanAspectError = MetadataFacts.meanAspectError(pictures)
        metadata.tagFrequency = MetadataFacts.tagFrequency(pictures, in: run.recipe.data)
        metadata.subsets = run.manifest.folders.filter {
            $0.dataset == index && run.manifest.trainedCount(of: $0) > 0
        }.map(subset)
        return metadata
    }

    private func subset(_ folder: Manifest.Folder) -> AdapterMetadata.Data.Dataset.Subset {
        let settings = dataset.subsets[folder.subset]
        var subset = AdapterMetadata.Data.Dataset.Subset(
            folder: URL(filePath: folder.path).lastPathComponent, imageCount: run.manifest.trainedCount(of: folder),
            repeats: folder.repeats)
        subset.isRegularization = folder.isRegularization
        subset.classTokens = settings.classTokens
        subset.flipAugmentation = settings.flipAugmentation
        subset.randomCrop = settings.randomCrop
        subset.shuffleCaption = settings.shuffleCaption
        subset.keepTokens = settings.keepTokens
        subset.captionPrefix = settings.captionPrefix
        subset.captionSuffix = settings.captionSuffix
        return subset
    }
}
