extension SettingTable {
    /// kohya's settings for pictures while training; none of them changes the result.
    static let samples: [Setting<Recipe>] = [
        .text(
            "sample_prompts", optional: \.samples.prompts, named: "FILE|auto",
            "prompts to make pictures of while training, one on each line (--n --w --h --d --s --l --ss --am may follow it); auto makes them from the captions"
        ).besideTheResult,
        .whole(
            "sample_every_n_steps", optional: \.samples.everyNSteps, in: 1...1_000_000_000, zeroIsNone: true,
            "make them after every N steps"
        ).besideTheResult,
        .whole(
            "sample_every_n_epochs", optional: \.samples.everyNEpochs, in: 1...1_000_000, zeroIsNone: true,
            "make them after every N epochs, instead of sample_every_n_steps"
        ).besideTheResult,
        .flag("sample_at_first", \.samples.atFirst, "make them before the first step too").besideTheResult,
        Setting(
            key: "sample_sampler", shape: .choice(Samples.samplers), help: "the sampler, where a prompt does not say",
            decidesResult: false,
            assign: { (value, place, recipe) throws(RecipeError) in
                let name = try value.text(at: place)
                guard Samples.samplers.contains(name) else {
                    throw .notAllowed(place, value: value, allowed: SettingShape.choice(Samples.samplers).allowed)
                }
                recipe.samples.sampler = name
                return nil
            },
            value: { .text($0.samples.sampler) }),
    ]
}
