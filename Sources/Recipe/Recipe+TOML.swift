extension Recipe {
    /// The whole recipe as TOML with kohya's keys; ``RecipeReader`` reads it back to the same value.
    package var toml: String {
        var text = "# A recipe of Danlu, every setting resolved.\n"
        for section in SettingTable.sections {
            text += "\n[\(section.name)]\n" + Self.lines(section.settings, self, unlike: nil)
        }
        for dataset in data.datasets {
            text += "\n[[datasets]]\n" + Self.lines(SettingTable.dataset, dataset, unlike: data.datasetDefaults)
            for subset in dataset.subsets {
                text +=
                    "\n[[datasets.subsets]]\n" + Self.lines(SettingTable.subset, subset, unlike: data.subsetDefaults)
            }
        }
        return text
    }

    /// A line for each setting that has a value, or for each whose value differs from that of `defaults`.
    private static func lines<Subject>(
        _ settings: [Setting<Subject>], _ subject: Subject, unlike defaults: Subject?
    ) -> String {
        settings.reduce(into: "") { text, setting in
            let value = setting.value(subject)
            if let defaults {
                let usual = setting.value(defaults)
                if value == usual { return }
                if value == nil, case .text = usual { text += "\(setting.key) = \"\"\n" }
            }
            if let value { text += "\(setting.key) = \(value.toml)\n" }
        }
    }
}
