package import Foundation

/// The Python that other people's tools are in: `.deps/clients`, or DANLU_CLIENTS.
package enum ClientPython {
    /// Where the scripts are.
    package static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Clients")

    package static let path =
        ProcessInfo.processInfo.environment["DANLU_CLIENTS"]
        ?? folder.appending(path: "../../.deps/clients/bin/python").standardizedFileURL.path

    package static var isThere: Bool { FileManager.default.isExecutableFile(atPath: path) }
}
