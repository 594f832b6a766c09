import Foundation
package import ZeroMQ

/// Who a process is, in a file that only its owner may read: a CURVE key pair, its name, and, for whoever connects,
/// the coordinator's public key.
///
/// ```
/// # Danlu: the key of a worker. Its secret is for the boxes that use it only.
/// name = gpu1
/// public = 7[c&…
/// secret = M!o4…
/// coordinator = Yne@…
/// ```
package struct KeyFile: Equatable, Sendable {
    /// What the coordinator's allow-list calls this key.
    package let name: String
    package let keys: KeyPair
    /// The coordinator's public key in Z85; nil in the coordinator's own file.
    package let coordinator: String?

    private static let limit = 4096

    package init(name: String, keys: KeyPair, coordinator: String?) {
        self.name = name
        self.keys = keys
        self.coordinator = coordinator
    }

    /// Reads a key file that others can neither read nor write.
    ///
    /// - Throws: ``KeyError``, ``ZeroMQError/noCurve``.
    package init(contentsOf path: String) throws {
        let text = try SmallFile.read(path, limit: Self.limit, forbidden: 0o077, fix: "600")
        var fields: [String: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, ["name", "public", "secret", "coordinator"].contains(parts[0]) else {
                throw KeyError.line(
                    path: path, number: index + 1, reason: "a key file's lines say name, public, secret or coordinator")
            }
            guard fields.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw KeyError.line(path: path, number: index + 1, reason: "\(parts[0]) is said twice")
            }
        }
        guard let name = fields["name"], let secret = fields["secret"] else {
            throw KeyError.field(
                path: path, name: fields["name"] == nil ? "name" : "secret", reason: "is missing")
        }
        try KeyName.check(name)
        guard let keys = try KeyPair(secretKey: secret) else {
            throw KeyError.field(path: path, name: "secret", reason: "is no key of 40 characters")
        }
        guard fields["public"] == keys.publicKey else {
            throw KeyError.field(path: path, name: "public", reason: "does not belong to the secret")
        }
        if let coordinator = fields["coordinator"], !Z85.isKey(coordinator) {
            throw KeyError.field(path: path, name: "coordinator", reason: "is no key of 40 characters")
        }
        self.init(name: name, keys: keys, coordinator: fields["coordinator"])
    }

    /// The key of whoever connects to a coordinator.
    ///
    /// - Throws: also when the file is the coordinator's own.
    package static func client(_ path: String) throws -> KeyFile {
        let file = try KeyFile(contentsOf: path)
        guard file.coordinator != nil else {
            throw KeyError.field(
                path: path, name: "coordinator", reason: "is missing, since this is the coordinator's own key")
        }
        return file
    }

    /// Has `socket` prove this key, and ask the coordinator to prove its own.
    package func secure(_ socket: borrowing Socket) throws(ZeroMQError) {
        try socket.identify(with: keys, to: coordinator ?? keys.publicKey)
    }

    var text: String {
        let kind = coordinator == nil ? "the coordinator's key" : "the key of \(name)"
        var lines = ["# Danlu: \(kind). Whoever has the secret passes for its owner."]
        lines += ["name = \(name)", "public = \(keys.publicKey)", "secret = \(keys.secretKey)"]
        if let coordinator { lines.append("coordinator = \(coordinator)") }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// What a key may be called.
enum KeyName {
    static func check(_ name: String) throws(KeyError) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let beginsWell = name.first.map { $0.isLetter || $0.isNumber } ?? false
        guard isPlain, beginsWell, name.utf8.count <= 64 else { throw .name(String(name.prefix(64))) }
    }

    /// Whether a worker of this name may hold the key of that name.
    ///
    /// One key may be that of several workers: `gpu1` is the key of `gpu1` and of `gpu1/left`.
    static func covers(_ keyName: String, worker: String) -> Bool {
        worker == keyName || worker.hasPrefix(keyName + "/")
    }
}
