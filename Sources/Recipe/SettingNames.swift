/// Every name that a key can have.
enum SettingNames {
    /// Keys that name files of settings.
    static let files: Set = ["config_file", "dataset_config"]

    /// What people call a setting elsewhere.
    private static let elsewhere = [
        "rank": "network_dim", "dim": "network_dim", "lora_rank": "network_dim", "alpha": "network_alpha",
        "lora_alpha": "network_alpha", "lr": "learning_rate", "te_lr": "text_encoder_lr",
        "batch_size": "train_batch_size", "epochs": "max_train_epochs", "steps": "max_train_steps",
        "max_steps": "max_train_steps", "optimizer": "optimizer_type", "scheduler": "lr_scheduler",
        "model": "pretrained_model_name_or_path", "base_model": "pretrained_model_name_or_path",
        "image_dir": "train_data_dir", "warmup_steps": "lr_warmup_steps",
        "snr_gamma": "min_snr_gamma", "output": "output_dir", "grad_norm": "max_grad_norm",
        "instance_data_dir": "train_data_dir", "class_data_dir": "reg_data_dir", "scale_lr": "lr_scaling",
    ]

    static func isKnown(_ key: String) -> Bool {
        SettingTable.byKey[key] != nil || UnsupportedSetting.byKey[key] != nil || files.contains(key)
    }

    /// The setting that `key` was probably meant to be.
    static func suggestion(for key: String, among keys: some Sequence<String> = SettingTable.byKey.keys) -> String? {
        let keys = Set(keys).union(files)
        if let name = elsewhere[key.lowercased()], keys.contains(name) { return name }
        return Suggestion.nearest(to: key, in: keys)
    }
}
