import Crypto

extension Recipe {
    /// The run's name: SHA-256, in 64 hexadecimal digits, over everything that decides the result.
    ///
    /// Where files go, what they are called, how often they are saved, what is cached and who may join are not part of it.
    package var hash: String { hash(contents: [:]) }

    /// The same, with files known by what they hold instead of where they are.
    ///
    /// - Parameter contents: for a path of the recipe (the model, the VAE, a LoRA to go on from, a folder of pictures)
    ///   a hash of what is there.
    package func hash(contents: [String: String]) -> String {
        var digest = SHA256()
        digest.update(data: Array(canonicalText(contents: contents).utf8))
        return digest.finalize().map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0" + hex : hex
        }.joined()
    }

    /// What is hashed: a line for each setting that decides the result, by key, and the datasets in their order.
    func canonicalText(contents: [String: String] = [:]) -> String {
        let settings =
            data.datasets.isEmpty ? SettingTable.all : SettingTable.all.filter { !Self.onlyDefaults.contains($0.key) }
        var lines = ["danlu recipe 1"] + Self.lines(settings, self, contents)
        for dataset in data.datasets {
            lines += ["dataset"] + Self.lines(SettingTable.dataset, dataset, contents)
            for subset in dataset.subsets { lines += ["subset"] + Self.lines(SettingTable.subset, subset, contents) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Defaults of datasets, which say nothing more once the datasets are listed.
    private static let onlyDefaults = Set(SettingTable.dataset.map(\.key) + SettingTable.subset.map(\.key))

    private static func lines<Subject>(
        _ settings: [Setting<Subject>], _ subject: Subject, _ contents: [String: String]
    ) -> [String] {
        settings.filter(\.decidesResult).sorted { $0.key < $1.key }.compactMap { setting in
            guard let value = setting.value(subject), value != setting.unnamed else { return nil }
            if case .text(let path) = value, let content = contents[path] { return "\(setting.key) = #\(content)" }
            return "\(setting.key) = \(value.toml)"
        }
    }
}
