extension SettingTable {
    /// kohya's settings for when the validation loss is measured; none of them changes the result.
    static let validation: [Setting<Recipe>] = [
        .whole(
            "validate_every_n_steps", optional: \.validation.everyNSteps, in: 1...1_000_000_000,
            "measure the validation loss after every N steps too"
        ).besideTheResult,
        .whole(
            "validate_every_n_epochs", optional: \.validation.everyNEpochs, in: 1...1_000_000,
            "measure it after every N epochs; unset is every epoch"
        ).besideTheResult,
        .whole(
            "max_validation_steps", optional: \.validation.maxSteps, in: 1...1_000_000,
            "the most batches of train_batch_size held-out pictures that are looked at; unset is all"
        ).besideTheResult,
    ]
}
