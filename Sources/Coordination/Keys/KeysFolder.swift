import Foundation
import ZeroMQ

/// The folder in which a coordinator's keys lie: its own, those it made for others, and the list of whom it lets in.
package struct KeysFolder: Sendable {
    package let path: String

    package init(_ path: String) {
        self.path = path
    }

    /// `danlu/keys` where this user's settings lie.
    package static var standard: KeysFolder {
        let environment = ProcessInfo.processInfo.environment
        let settings = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory()
        return KeysFolder((settings ?? home + "/.config") + "/danlu/keys")
    }

    package var coordinatorKey: String { path + "/coordinator.key" }
    package var allowList: String { path + "/authorized_keys" }

    /// The file of the key of this name.
    package func key(_ name: String) -> String { "\(path)/\(name).key" }

    package var hasCoordinatorKey: Bool { access(coordinatorKey, F_OK) == 0 }

    /// Makes a key and puts it on the list; in an empty folder also the coordinator's and an operator's.
    ///
    /// - Parameters:
    ///   - name: of the worker; "worker" in an empty folder unless said.
    ///   - isOperator: whether it may also pause, stop and change the run.
    /// - Returns: the key files made, the coordinator's first.
    /// - Throws: ``KeyError``; a key that is there is never overwritten.
    package func generate(name: String?, isOperator: Bool) throws -> [String] {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            // Foundation's reason is a number; the system's is asked for.
            let reason = mkdir(path, 0o700) == 0 ? "\(error)" : String(cString: strerror(errno))
            throw KeyError.noFolder(path: path, reason: reason)
        }
        let isFirst = !hasCoordinatorKey
        guard let name = name ?? (isFirst ? "worker" : nil) else {
            throw KeyError.exists(
                path: coordinatorKey, fix: "say --worker NAME to make a key for another worker")
        }
        var wanted = [(name: name, isOperator: isOperator)]
        if isFirst && name != "operator" { wanted.append(("operator", true)) }
        for (name, _) in wanted {
            try KeyName.check(name)
            guard name != "coordinator" else { throw KeyError.exists(path: coordinatorKey, fix: "choose another name") }
            if access(key(name), F_OK) == 0 {
                throw KeyError.exists(path: key(name), fix: "choose another name, or move that one away")
            }
        }
        var made: [String] = []
        if isFirst {
            let file = KeyFile(name: "coordinator", keys: try KeyPair.random(), coordinator: nil)
            try SmallFile.create(file.text, at: coordinatorKey, fix: "use it")
            made.append(coordinatorKey)
        }
        let coordinator = try KeyFile(contentsOf: coordinatorKey).keys.publicKey
        for (name, isOperator) in wanted {
            try add(KeyFile(name: name, keys: KeyPair.random(), coordinator: coordinator), isOperator: isOperator)
            made.append(key(name))
        }
        return made
    }

    private func add(_ file: KeyFile, isOperator: Bool) throws {
        var text = """
            # Who may connect to this coordinator: PUBLIC-KEY NAME [operator]
            # Changes count at once; a worker whose line is gone is let go.

            """
        if access(allowList, F_OK) == 0 {
            text = try SmallFile.read(allowList, limit: AllowList.limit, forbidden: 0o022, fix: "600")
        }
        if !text.hasSuffix("\n") { text += "\n" }
        text += "\(file.keys.publicKey) \(file.name)\(isOperator ? " operator" : "")\n"
        _ = try AllowList(text, path: allowList)
        try SmallFile.create(file.text, at: key(file.name), fix: "choose another name")
        do {
            try SmallFile.replace(text, at: allowList)
        } catch {
            unlink(key(file.name))
            throw error
        }
    }
}
