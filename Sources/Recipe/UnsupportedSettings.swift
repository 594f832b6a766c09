/// kohya's settings that Danlu does not have, so that a kohya user's file works as it is wherever it can.
package struct UnsupportedSetting: Sendable {
    package enum Verdict: Sendable {
        /// Accepted with a note: it changes speed, memory or logging, which Danlu sees to itself.
        case harmless(String)
        /// Refused, because leaving it out would change the result; its neutral values are accepted.
        case refused(String, neutral: [SettingValue] = [])
    }
    /// How many words follow it on the command line.
    package enum Words: Sendable {
        case none, one, many
    }
    package let key: String
    package let verdict: Verdict

    package var words: Words {
        if Self.flags.contains(key) { return .none }
        return ["base_weights", "base_weights_multiplier", "lr_scheduler_args"].contains(key) ? .many : .one
    }

    /// Why `value` at `place` has no effect; nil where there is nothing to say.
    func reason(_ value: SettingValue, at place: SettingPlace) throws(RecipeError) -> String? {
        if value.isNothing { return nil }
        switch verdict {
        case .harmless(let reason):
            return reason
        case .refused(let reason, let neutral):
            guard neutral.contains(value) else { throw .unsupported(place, value: value, reason: reason) }
            return nil
        }
    }

    /// A note for each reason, naming every place it holds for.
    static func notes(_ ineffective: [(place: SettingPlace, reason: String)]) -> [String] {
        Dictionary(grouping: ineffective, by: \.reason).map { reason, group in
            let places = group.enumerated().map { index, one in
                if index > 0, one.place.source == group[0].place.source, case .file = one.place.source {
                    return one.place.key
                }
                return "\(one.place)"
            }
            return places.joined(separator: ", ") + (places.count == 1 ? " has" : " have") + " no effect: \(reason)."
        }.sorted()
    }

    package static let byKey: [String: UnsupportedSetting] = Dictionary(
        uniqueKeysWithValues: (harmless + refused).map { ($0.key, $0) })

    private static let harmless: [UnsupportedSetting] = [
        (["v2"], "the model's own files say which family it is of"),
        (["tokenizer_cache_dir"], "the tokenizer comes with the model"),
        (
            ["xformers", "sdpa", "mem_eff_attn", "torch_compile", "dynamo_backend"],
            "attention is always computed by libtorch's fused kernel"
        ),
        (["lowram", "highvram", "cpu_offload_checkpointing"], "the base model is held once, in the compute format"),
        (
            ["max_data_loader_n_workers", "persistent_data_loader_workers", "vae_batch_size", "skip_cache_check"],
            "pictures are loaded and cached by Danlu's own workers"
        ),
        (
            ["cache_text_encoder_outputs", "cache_text_encoder_outputs_to_disk", "text_encoder_batch_size"],
            "captions are cached whenever the text encoder is not trained and captions do not vary"
        ),
        (["cache_info"], "pictures are read anew and known by their content"),
        (
            ["ddp_timeout", "ddp_gradient_as_bucket_view", "ddp_static_graph", "deepspeed"],
            "Danlu's cluster has no process group"
        ),
        (
            [
                "log_prefix", "log_tracker_name", "log_tracker_config", "log_config",
                "wandb_run_name", "wandb_api_key", "console_log_level", "console_log_file", "console_log_simple",
            ], "the journal of the run directory keeps every step"
        ),
        (
            [
                "huggingface_repo_id", "huggingface_repo_type", "huggingface_path_in_repo", "huggingface_token",
                "huggingface_repo_visibility", "save_state_to_huggingface", "resume_from_huggingface", "async_upload",
            ], "nothing is uploaded"
        ),
        (
            ["metadata_title", "metadata_author", "metadata_description", "metadata_license", "metadata_tags"],
            "these are not written; training_comment is"
        ),
        (["save_state", "save_state_on_train_end"], "the run directory always keeps the last state"),
        (
            [
                "save_last_n_epochs", "save_last_n_epochs_state", "save_last_n_steps", "save_last_n_steps_state",
                "save_n_epoch_ratio",
            ], "every file that is saved is kept"
        ),
        (["debug_dataset", "output_config"], "`danlu train` prints the plan and writes the resolved recipe"),
        (["lr_decay_steps", "lr_scheduler_timescale", "lr_scheduler_min_lr_ratio"], "no schedule here has it"),
        (["huber_c", "huber_schedule", "huber_scale"], "the loss is l2"),
        (["epoch", "noise_offset_type", "lr_warmup", "LoRA_type"], "it belongs to a form in front of the trainer"),
        (["network_multiplier"], "it is 1 while training"),
    ].flatMap { keys, reason in keys.map { UnsupportedSetting(key: $0, verdict: .harmless(reason)) } }

    private static let refused: [UnsupportedSetting] =
        [
            UnsupportedSetting(
                key: "network_module",
                verdict: .refused(
                    "Danlu trains kohya's LoRA; use networks.lora or leave it out", neutral: [.text("networks.lora")])),
            UnsupportedSetting(
                key: "save_model_as",
                verdict: .refused("a LoRA is written as .safetensors only", neutral: [.text("safetensors")])),
            UnsupportedSetting(
                key: "loss_type", verdict: .refused("the loss is l2; leave it out", neutral: [.text("l2")])),
            UnsupportedSetting(
                key: "token_warmup_min", verdict: .refused("leave it out", neutral: [.whole(1)])),
            UnsupportedSetting(
                key: "base_weights_multiplier", verdict: .refused("merge the LoRA into the base first", neutral: [])),
        ]
        + refusedReasons.flatMap { keys, reason in keys.map { UnsupportedSetting(key: $0, verdict: .refused(reason)) } }

    private static let refusedReasons: [([String], String)] = [
        (["network_dropout", "scale_weight_norms"], "it would change the result; leave it out"),
        (["dim_from_weights"], "give network_dim and network_alpha as the file has them"),
        (["base_weights"], "merge the LoRA into the base first"),
        (["full_fp16", "full_bf16"], "the LoRA and its optimizer are kept in fp32; use mixed_precision"),
        (["fp8_base", "fp8_base_unet"], "the base model is kept in fp32, fp16 or bf16; use mixed_precision"),
        (["fused_backward_pass"], "a step needs the gradient of the whole cluster first; leave it out"),
        (["use_8bit_adam"], "write optimizer_type = \"AdamW\""),
        (["use_lion_optimizer"], "Danlu has AdamW and SGD"),
        (["lr_scheduler_type", "lr_scheduler_args"], "choose one of lr_scheduler's own schedules"),
        (["noise_offset_random_strength", "ip_noise_gamma_random_strength"], "the strength is fixed; leave it out"),
        (["adaptive_noise_scale"], "noise_offset is one number for all pictures; leave it out"),
        (["scale_v_pred_loss_like_noise_pred", "v_pred_like_loss"], "use min_snr_gamma or debiased_estimation_loss"),
        (["masked_loss", "alpha_mask", "conditioning_data_dir"], "the whole picture counts; leave it out"),
        (["weighted_captions"], "captions are read as they stand, brackets included; leave it out"),
        (["color_aug", "face_crop_aug_range"], "pictures are mirrored and cropped only; use flip_aug or random_crop"),
        (["keep_tokens_separator", "secondary_separator"], "tags have one separator; use keep_tokens"),
        (["enable_wildcard", "token_warmup_step"], "captions are shuffled and dropped only; leave it out"),
        (
            ["resize_interpolation"],
            "pictures shrink by area and grow by Lanczos, as kohya's do by default; leave it out"
        ),
        (["dataset_repeats"], "repeats stand in the folder's name, or as num_repeats in [[datasets.subsets]]"),
        (["in_json", "dataset_class", "custom_attributes"], "list folders with train_data_dir or [[datasets]]"),
        (
            ["resume", "initial_epoch", "initial_step", "skip_until_initial_step"],
            "a run goes on from its own run directory"
        ),
    ]

    private static let flags: Set = [
        "v2", "xformers", "sdpa", "mem_eff_attn", "torch_compile", "lowram", "highvram", "cpu_offload_checkpointing",
        "persistent_data_loader_workers", "skip_cache_check", "cache_text_encoder_outputs",
        "cache_text_encoder_outputs_to_disk", "cache_info", "ddp_gradient_as_bucket_view", "ddp_static_graph",
        "deepspeed", "log_config", "console_log_simple", "save_state_to_huggingface", "resume_from_huggingface",
        "async_upload", "save_state", "save_state_on_train_end", "debug_dataset", "output_config",
        "dim_from_weights", "full_fp16", "full_bf16", "fp8_base", "fp8_base_unet", "fused_backward_pass",
        "use_8bit_adam", "use_lion_optimizer", "noise_offset_random_strength", "ip_noise_gamma_random_strength",
        "scale_v_pred_loss_like_noise_pred", "masked_loss", "alpha_mask", "weighted_captions", "color_aug",
        "enable_wildcard", "skip_until_initial_step",
    ]
}
