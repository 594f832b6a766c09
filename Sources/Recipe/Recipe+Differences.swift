extension Recipe {
    /// Which settings that decide the result stand otherwise in an earlier recipe, each in a few words; by key.
    package func differences(from earlier: Recipe) -> [String] {
        let (before, now) = (Self.values(earlier), Self.values(self))
        let keys = Set(before.keys).union(now.keys).sorted()
        var differences = keys.filter { before[$0] != now[$0] }.map { key in
            "\(key) is \(before[key] ?? "not set") there and \(now[key] ?? "not set") here"
        }
        if data.datasets != earlier.data.datasets { differences.append("its datasets are others") }
        return differences
    }

    private static func values(_ recipe: Recipe) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: SettingTable.all.filter(\.decidesResult).compactMap { setting in
                setting.value(recipe).map { (setting.key, $0.toml) }
            })
    }
}
