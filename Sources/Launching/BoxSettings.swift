import Recipe

/// The keys of one table of `hosts.toml`, checked as they are taken.
struct BoxSettings {
    /// What may stand at the top, for all boxes, and in each box's table.
    static let shared = ["user", "port", "identity", "ssh_options", "devices", "folder", "options"]

    let file: String
    /// What stands before a key in messages.
    let path: String
    let values: [String: SettingValue]

    func place(_ key: String) -> SettingPlace { SettingPlace(.file(file), path + key) }

    func checkKeys(_ known: [String]) throws(RecipeError) {
        for key in values.keys.sorted() where !known.contains(key) {
            throw .unknown(place(key), suggestion: Suggestion.nearest(to: key, in: known))
        }
    }

    /// The box of this table, with what it leaves out taken from the table for all.
    func box(under shared: BoxSettings) throws(RecipeError) -> Box {
        try checkKeys(Self.shared + ["host", "name"])
        guard let address = try word("host", of: .address) else {
            throw .missing(key: "\(file): \(path)host", why: "say under which name or address ssh finds the box")
        }
        let said = try word("name", of: .name)
        guard let name = said ?? Self.name(for: address) else {
            throw .missing(key: "\(file): \(path)name", why: "\(address) cannot be a worker's name, so say one")
        }
        guard !["coordinator", "operator"].contains(name) else {
            throw .notAllowed(place("name"), value: .text(name), allowed: "another name: that one has a key of its own")
        }
        var box = Box(name: name, host: address)
        try shared.apply(to: &box)
        try apply(to: &box)
        return box
    }

    /// Changes what this table says, and leaves the rest as it is.
    private func apply(to box: inout Box) throws(RecipeError) {
        if let user = try word("user", of: .user) { box.user = user }
        if let port = try port() { box.port = port }
        if let identity = try text("identity") { box.identity = identity }
        if let options = try words("ssh_options") { box.sshOptions = options }
        if let devices = try word("devices", of: .devices) { box.devices = devices }
        if let folder = try word("folder", of: .folder) { box.folder = folder }
        if let options = try words("options") { box.options = options }
    }

    /// A box's address as its name, where it can be one.
    private static func name(for address: String) -> String? {
        Word.name.allows(address) ? address : nil
    }

    private func port() throws(RecipeError) -> Int? {
        guard let value = values["port"] else { return nil }
        guard case .whole(let port) = value else {
            throw .wrongType(place("port"), value: value, expected: "a whole number")
        }
        guard (1...65535).contains(port) else {
            throw .notAllowed(place("port"), value: value, allowed: "in 1...65535")
        }
        return port
    }

    /// Text of any letters but control characters; it only ever becomes one argument of a process.
    private func text(_ key: String) throws(RecipeError) -> String? {
        guard let value = values[key] else { return nil }
        return try text(value, at: place(key))
    }

    private func text(_ value: SettingValue, at place: SettingPlace) throws(RecipeError) -> String {
        guard case .text(let text) = value else { throw .wrongType(place, value: value, expected: "text") }
        guard !text.isEmpty, text.utf8.count <= 4096, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .notAllowed(place, value: value, allowed: "text of 1 to 4096 bytes without control characters")
        }
        return text
    }

    private func words(_ key: String) throws(RecipeError) -> [String]? {
        guard let value = values[key] else { return nil }
        guard case .list(let list) = value else {
            throw .wrongType(place(key), value: value, expected: "a list of texts")
        }
        var words: [String] = []
        for (index, value) in list.enumerated() { words.append(try text(value, at: place("\(key)[\(index)]"))) }
        return words
    }

    /// Text of a narrow alphabet.
    func word(_ key: String, of kind: Word) throws(RecipeError) -> String? {
        guard let text = try text(key) else { return nil }
        guard kind.allows(text) else {
            throw .notAllowed(place(key), value: .text(text), allowed: kind.description)
        }
        return text
    }
}
