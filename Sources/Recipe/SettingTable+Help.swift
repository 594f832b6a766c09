extension SettingTable {
    /// Every setting with its flag, what it takes, what it does and its default, at most `width` columns wide.
    package static func help(width: Int = 80) -> String {
        var text = "Every key of a recipe is also a flag: --key value, or --key=value.\n"
        let usual = Recipe()
        for section in sections {
            text += "\n\(section.name.uppercased())\n"
            for setting in section.settings {
                let placeholder = setting.shape.placeholder
                text += "  --\(setting.key)\(placeholder.isEmpty ? "" : " " + placeholder)\n"
                let value = setting.value(usual)
                let noted = value.map { $0.isNothing ? setting.help : "\(setting.help) [\(Self.written($0))]" }
                text += (noted ?? setting.help).wrapped(indent: 6, width: width)
            }
        }
        text += "\nDATASETS\n"
        text += "A list [[datasets]] with [[datasets.subsets]] may stand in the recipe, or in a file of its own:"
            .wrapped(indent: 2, width: width)
        text += "  --dataset_config FILE\n"
        text += "what datasets and subsets may say beyond the keys of DATA:".wrapped(indent: 6, width: width)
        let shared = Set(all.map(\.key))
        for (key, help) in dataset.map({ ($0.key, $0.help) }) + subset.map({ ($0.key, $0.help) })
        where !shared.contains(key) {
            text += "\(key): \(help)".wrapped(indent: 8, width: width)
        }
        return text
    }

    /// A default as the command line would have it.
    private static func written(_ value: SettingValue) -> String {
        switch value {
        case .text(let text): text
        case .list(let values): values.map(written).joined(separator: " ")
        default: value.toml
        }
    }
}
