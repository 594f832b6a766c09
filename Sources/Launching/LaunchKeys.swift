import Foundation

/// The keys of boxes, which `danlu keygen` makes.
package struct LaunchKeys: Sendable {
    private let folder: String
    private let program: String

    /// - Parameters:
    ///   - folder: where `danlu keygen` puts them.
    ///   - program: danlu itself.
    package init(folder: String, program: String) {
        self.folder = folder
        self.program = program
    }

    private func path(_ name: String) -> String { "\(folder)/\(name).key" }

    /// Makes a box's key, unless it has one.
    ///
    /// - Throws: where that fails, with the reason that `danlu keygen` gave.
    package func make(for name: String) throws {
        if FileManager.default.fileExists(atPath: path(name)) { return }
        let made = try ChildProcess(program, ["keygen", "--keys", folder, "--worker", name]).gather()
        guard made.status == 0 else {
            throw BoxFailure("\(name) gets no key: \(made.lines.last { !$0.isEmpty } ?? "danlu keygen failed")")
        }
    }

    /// The text of a box's key file.
    package func text(for name: String) throws -> String {
        guard let text = try? String(contentsOfFile: path(name), encoding: .utf8), !text.isEmpty else {
            throw BoxFailure("its key \(path(name)) cannot be read")
        }
        return text
    }
}
