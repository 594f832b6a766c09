import Coordination
import Foundation
import ZeroMQ

/// A folder of keys for one test.
final class TemporaryKeys {
    let folder: KeysFolder

    init() throws {
        folder = KeysFolder(
            FileManager.default.temporaryDirectory.appending(path: "danlu-keys-\(UUID().uuidString)").path)
        _ = try folder.generate(name: nil, isOperator: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder.path) }

    func identity() throws -> CoordinatorIdentity { try CoordinatorIdentity(folder) }

    /// The key of this name, made if it is not there.
    func key(_ name: String) throws -> KeyFile {
        if !FileManager.default.fileExists(atPath: folder.key(name)) {
            _ = try folder.generate(name: name, isOperator: false)
        }
        return try KeyFile.client(folder.key(name))
    }

    /// Takes the line of this name off the list.
    func revoke(_ name: String) throws {
        let lines = try String(contentsOfFile: folder.allowList, encoding: .utf8).split(separator: "\n")
        try write(list: lines.filter { !$0.hasSuffix(" \(name)") }.joined(separator: "\n") + "\n")
    }

    func write(list: String) throws {
        let draft = folder.allowList + ".draft"
        try Data(list.utf8).write(to: URL(filePath: draft))
        chmod(draft, 0o600)
        guard rename(draft, folder.allowList) == 0 else { throw POSIXError(.EIO) }
    }
}
