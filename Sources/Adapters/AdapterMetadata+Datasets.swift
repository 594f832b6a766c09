extension AdapterMetadata.Data {
    /// One of several datasets, each with sizes of its own: an element of `ss_datasets`, which takes the place of the keys
    /// that describe a single one.
    package struct Dataset: Sendable {
        /// A folder of pictures, and what is done to their captions.
        package struct Subset: Sendable {
            /// The folder's name, without its path.
            package var folder: String
            package var imageCount: Int
            package var repeats: Int
            package var isRegularization = false
            package var classTokens: String?
            package var flipAugmentation = false
            package var randomCrop = false
            package var shuffleCaption = false
            package var keepTokens = 0
            package var captionPrefix: String?
            package var captionSuffix: String?

            package init(folder: String, imageCount: Int, repeats: Int) {
                self.folder = folder
                self.imageCount = imageCount
                self.repeats = repeats
            }
        }

        package var batchSize = 1
        /// Pictures with repeats.
        package var trainImages = 0
        package var regularizationImages = 0
        package var width = 512
        package var height = 512
        package var enableBucket = false
        package var minBucketResolution = 256
        package var maxBucketResolution = 1024
        package var buckets: [Bucket] = []
        /// The mean difference between a picture's aspect ratio and its bucket's.
        package var meanAspectError = 0.0
        package var subsets: [Subset] = []
        /// Folder → tag → how often it stands in the folder's captions.
        package var tagFrequency: [String: [String: Int]] = [:]

        package init() {}

        var value: PythonValue {
            .dictionary([
                ("is_dreambooth", true), ("batch_size_per_device", .int(batchSize)),
                ("num_train_images", .int(trainImages)), ("num_reg_images", .int(regularizationImages)),
                ("resolution", .list([.int(width), .int(height)])), ("enable_bucket", .bool(enableBucket)),
                ("min_bucket_reso", .int(minBucketResolution)), ("max_bucket_reso", .int(maxBucketResolution)),
                ("tag_frequency", AdapterMetadata.Data.value(tagFrequency)),
                (
                    "bucket_info",
                    enableBucket ? AdapterMetadata.Data.value(buckets, meanAspectError: meanAspectError) : nil
                ),
                ("resize_interpolation", nil), ("subsets", .list(subsets.map(\.value))),
            ])
        }
    }

    /// `ss_dataset_dirs` of several datasets: a folder that stands in more than one has its number behind it.
    var folderValue: PythonValue {
        var names = Set<String>()
        var members: [(String, PythonValue)] = []
        for subset in datasets.flatMap(\.subsets) where !subset.isRegularization {
            var (name, number) = (subset.folder, 2)
            while !names.insert(name).inserted {
                name = "\(subset.folder) (\(number))"
                number += 1
            }
            let counts = [("n_repeats", subset.repeats), ("img_count", subset.imageCount)]
            members.append((name, .dictionary(counts.map { ($0, .int($1)) })))
        }
        return .dictionary(members)
    }

    static func value(_ tags: [String: [String: Int]]) -> PythonValue {
        .dictionary(
            tags.sorted { $0.key < $1.key }.map { folder, counts in
                (folder, .dictionary(counts.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) }))
            })
    }

    static func value(_ buckets: [Bucket], meanAspectError: Double) -> PythonValue {
        let members = buckets.enumerated().map { index, bucket in
            let members: [(String, PythonValue)] = [
                ("resolution", .list([.int(bucket.width), .int(bucket.height)])), ("count", .int(bucket.count)),
            ]
            return ("\(index)", PythonValue.dictionary(members))
        }
        return .dictionary([("buckets", .dictionary(members)), ("mean_img_ar_error", .float(meanAspectError))])
    }
}

extension AdapterMetadata.Data.Dataset.Subset {
    var value: PythonValue {
        .dictionary([
            ("img_count", .int(imageCount)), ("num_repeats", .int(repeats)), ("color_aug", false),
            ("flip_aug", .bool(flipAugmentation)), ("random_crop", .bool(randomCrop)),
            ("shuffle_caption", .bool(shuffleCaption)), ("keep_tokens", .int(keepTokens)),
            ("keep_tokens_separator", nil), ("secondary_separator", nil), ("enable_wildcard", false),
            ("caption_prefix", PythonValue(captionPrefix)), ("caption_suffix", PythonValue(captionSuffix)),
            ("resize_interpolation", nil), ("image_dir", .text(folder)), ("class_tokens", PythonValue(classTokens)),
            ("is_reg", .bool(isRegularization)),
        ])
    }
}
