package import Recipe

/// `hosts.toml`: the boxes, and what goes for all of them.
package struct HostsFile: Equatable, Sendable {
    package static let maximumHosts = 1024

    package var hosts: [Box]
    /// How the boxes reach the coordinator's box; nil is the address from which each box sees ssh come.
    package var coordinator: String?

    /// Reads and checks a file.
    ///
    /// - Throws: ``RecipeError``: file, key, value and what is allowed.
    package init(path: String) throws(RecipeError) {
        try self.init(SettingsFile(path: path))
    }

    /// - Parameter file: its name, for messages.
    package init(toml text: String, file: String) throws(RecipeError) {
        try self.init(SettingsFile(toml: text, name: file))
    }

    private init(_ file: SettingsFile) throws(RecipeError) {
        let shared = BoxSettings(file: file.name, path: "", values: file.values)
        try shared.checkKeys(BoxSettings.shared + ["hosts", "coordinator"])
        coordinator = try shared.word("coordinator", of: .address)
        guard let entries = file.values["hosts"] else {
            throw .missing(
                key: "\(file.name): hosts", why: "name at least one box: [[hosts]] and below it host = \"ADDRESS\"")
        }
        guard case .list(let list) = entries, !list.isEmpty else {
            throw .wrongType(shared.place("hosts"), value: entries, expected: "a list of tables, each headed [[hosts]]")
        }
        guard list.count <= Self.maximumHosts else {
            throw .contradiction(
                keys: ["hosts"],
                sentence: "\(file.name): hosts has \(list.count) boxes; at most \(Self.maximumHosts) are started.")
        }
        hosts = []
        for (index, entry) in list.enumerated() {
            guard case .table(let values) = entry else {
                throw .wrongType(shared.place("hosts[\(index)]"), value: entry, expected: "a table, headed [[hosts]]")
            }
            let settings = BoxSettings(file: file.name, path: "hosts[\(index)].", values: values)
            let box = try settings.box(under: shared)
            if let other = hosts.firstIndex(where: { $0.name == box.name }) {
                throw .contradiction(
                    keys: ["name"],
                    sentence:
                        "\(file.name): hosts[\(other)] and hosts[\(index)] are both called \(box.name); give one of them another name."
                )
            }
            hosts.append(box)
        }
    }
}
