import Adapters
import Foundation
import Testing

@Suite struct `A LoRA file's metadata` {
    @Test func `has kohya's keys, each as Python writes it`() {
        var metadata = AdapterMetadata()
        metadata.network.rank = 16
        metadata.network.alpha = 8
        metadata.network.modelName = "v1-5.safetensors"
        metadata.network.modelLegacyHash = "e3b0c442"
        metadata.training.learningRate = 1e-4
        metadata.training.textEncoderLearningRate = 5e-5
        metadata.training.startedAt = 1_700_000_000.25
        metadata.training.finishedAt = 1_700_000_000.75
        metadata.training.outputName = "丹炉"
        metadata.training.seed = .max
        metadata.data.flipAugmentation = true
        metadata.data.folders = [
            .init(name: "10_鹿", repeats: 10, imageCount: 6),
            .init(name: "1_animal", repeats: 1, imageCount: 9, isRegularization: true),
        ]
        metadata.data.tagFrequency = ["10_鹿": ["horse": 6, "a \"b\"": 1]]
        metadata.data.enableBucket = true
        metadata.data.buckets = [.init(width: 512, height: 768, count: 60)]
        metadata.data.meanAspectError = 0.025

        let entries = metadata.entries
        for (key, value) in [
            "ss_network_module": "networks.lora", "ss_network_dim": "16", "ss_network_alpha": "8.0",
            "ss_network_dropout": "None", "ss_v2": "False", "ss_base_model_version": "sd_v1",
            "ss_sd_model_name": "v1-5.safetensors", "ss_sd_model_hash": "e3b0c442",
            "ss_learning_rate": "0.0001", "ss_text_encoder_lr": "5e-05", "ss_unet_lr": "None",
            "ss_training_started_at": "1700000000.25", "ss_output_name": "丹炉", "ss_flip_aug": "True",
            "ss_seed": "18446744073709551615", "ss_resolution": "(512, 512)", "ss_mixed_precision": "no",
            "ss_dataset_dirs": #"{"10_\u9e7f": {"n_repeats": 10, "img_count": 6}}"#,
            "ss_reg_dataset_dirs": #"{"1_animal": {"n_repeats": 1, "img_count": 9}}"#,
            "ss_tag_frequency": #"{"10_\u9e7f": {"a \"b\"": 1, "horse": 6}}"#,
            "ss_bucket_info":
                #"{"buckets": {"0": {"resolution": [512, 768], "count": 60}}, "mean_img_ar_error": 0.025}"#,
            "modelspec.sai_model_spec": "1.0.1", "modelspec.architecture": "stable-diffusion-v1/lora",
            "modelspec.implementation": "diffusers", "modelspec.title": "丹炉", "modelspec.resolution": "512x512",
            "modelspec.prediction_type": "epsilon", "modelspec.date": "2023-11-14T22:13:20",
        ] {
            #expect(entries[key] == value, "\(key)")
        }
        #expect(entries["ss_new_sd_model_hash"] == nil, "what is not known is left out")
    }

    @Test(arguments: [
        (false, false, "sd_v1", "stable-diffusion-v1/lora", "epsilon"),
        (false, true, "sd_v1_v", "stable-diffusion-v1/lora", "v"),
        (true, false, "sd_v2", "stable-diffusion-v2-512/lora", "epsilon"),
        (true, true, "sd_v2_v", "stable-diffusion-v2-768-v/lora", "v"),
    ])
    func `says which base model it is for`(
        isVersion2: Bool, vParameterization: Bool, version: String, architecture: String, prediction: String
    ) {
        var metadata = AdapterMetadata()
        metadata.network.isVersion2 = isVersion2
        metadata.network.vParameterization = vParameterization
        #expect(metadata.entries["ss_base_model_version"] == version)
        #expect(metadata.entries["modelspec.architecture"] == architecture)
        #expect(metadata.entries["modelspec.prediction_type"] == prediction)
    }

    @Test func `of several datasets has them in one value, in place of the keys for one`() throws {
        var metadata = AdapterMetadata()
        metadata.network.arguments = [("loraplus_lr_ratio", "16.0")]
        var one = AdapterMetadata.Data.Dataset()
        (one.batchSize, one.trainImages, one.regularizationImages) = (2, 30, 4)
        (one.width, one.height, one.enableBucket) = (512, 768, true)
        one.buckets = [.init(width: 448, height: 832, count: 30)]
        one.meanAspectError = 0.5
        one.tagFrequency = ["deer": ["horse": 3]]
        one.subsets = [
            .init(folder: "deer", imageCount: 3, repeats: 10), .init(folder: "reg", imageCount: 4, repeats: 1),
        ]
        one.subsets[0].flipAugmentation = true
        one.subsets[0].captionPrefix = "photo of"
        one.subsets[1].isRegularization = true
        one.subsets[1].classTokens = "animal"
        var other = AdapterMetadata.Data.Dataset()
        other.subsets = [.init(folder: "deer", imageCount: 2, repeats: 1)]
        metadata.data.datasets = [one, other]

        let entries = metadata.entries
        #expect(entries["ss_network_args"] == #"{"loraplus_lr_ratio": "16.0"}"#)
        #expect(
            entries["ss_dataset_dirs"]
                == #"{"deer": {"n_repeats": 10, "img_count": 3}, "deer (2)": {"n_repeats": 1, "img_count": 2}}"#)
        for key in [
            "ss_batch_size_per_device", "ss_total_batch_size", "ss_resolution", "ss_color_aug", "ss_flip_aug",
            "ss_random_crop", "ss_shuffle_caption", "ss_enable_bucket", "ss_bucket_no_upscale", "ss_min_bucket_reso",
            "ss_max_bucket_reso", "ss_keep_tokens", "ss_reg_dataset_dirs", "ss_bucket_info",
        ] { #expect(entries[key] == nil, "\(key)") }
        let text = try #require(entries["ss_datasets"])
        let datasets = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        #expect(datasets.count == 2)
        // train_network.py's names.
        #expect(
            Set(datasets[0].keys) == [
                "is_dreambooth", "batch_size_per_device", "num_train_images", "num_reg_images", "resolution",
                "enable_bucket", "min_bucket_reso", "max_bucket_reso", "tag_frequency", "bucket_info",
                "resize_interpolation", "subsets",
            ])
        let subsets = try #require(datasets[0]["subsets"] as? [[String: Any]])
        #expect(
            Set(subsets[1].keys) == [
                "img_count", "num_repeats", "color_aug", "flip_aug", "random_crop", "shuffle_caption", "keep_tokens",
                "keep_tokens_separator", "secondary_separator", "enable_wildcard", "caption_prefix", "caption_suffix",
                "resize_interpolation", "image_dir", "class_tokens", "is_reg",
            ])
        #expect(text.contains(#""resolution": [512, 768], "enable_bucket": true"#))
        #expect(
            text.contains(
                #""bucket_info": {"buckets": {"0": {"resolution": [448, 832], "count": 30}}, "mean_img_ar_error": 0.5}"#
            ))
        #expect(text.contains(#""image_dir": "reg", "class_tokens": "animal", "is_reg": true"#))
        #expect(text.contains(#""caption_prefix": "photo of""#) && text.contains(#""bucket_info": null"#))
    }

    @Test func `without metadata keeps what is needed to use the file`() {
        var metadata = AdapterMetadata()
        metadata.isMinimal = true
        let keys = metadata.entries.keys.filter { $0.hasPrefix("ss_") }
        #expect(
            Set(keys) == [
                "ss_v2", "ss_base_model_version", "ss_network_module", "ss_network_dim", "ss_network_alpha",
            ])
    }

    @Test(arguments: [
        // Python: str(x)
        (PythonValue.float(1e-4), "0.0001"), (.float(1e-5), "1e-05"), (.float(1.5e-7), "1.5e-07"), (.float(1), "1.0"),
        (.float(0.1), "0.1"), (.float(1e15), "1000000000000000.0"),
        (.float(9_007_199_254_740_994), "9007199254740994.0"),
        (.float(1e16), "1e+16"), (.float(-0.0), "-0.0"), (.int(-3), "-3"), (nil, "None"), (true, "True"),
        ("a\n", "a\n"),
    ])
    func `writes numbers as Python does`(value: PythonValue, text: String) {
        #expect(value.string == text)
    }

    @Test func `writes JSON as Python does`() {
        let value = PythonValue.dictionary([("é\"\\\u{7F}🦌", .list([1, .float(0.5), nil, true, "\u{1}\n"]))])
        // json.dumps({'é"\\\x7f🦌': [1, 0.5, None, True, '\x01\n']})
        #expect(value.json == #"{"\u00e9\"\\\u007f\ud83e\udd8c": [1, 0.5, null, true, "\u0001\n"]}"#)
    }
}
