import Foundation
import ProgramSupport

/// The keys of the coordinator, of the operator and of each box's worker, made once for all scenarios by
/// `danlu keygen`.
///
/// They go when this process goes.
actor SharedKeys {
    static let shared = SharedKeys()
    private static let name = "\(Lab.prefix)\(getpid())-keys"
    static let folder = FileManager.default.temporaryDirectory.appending(path: name)
    private let guardian = try? Guardian(prefix: name, folder: folder)
    private var making: Task<Void, any Error>?

    /// No scenario has more boxes.
    private static let boxes = (1...4).map { "box\($0)" }

    func make() async throws {
        let task = making ?? Task { try await Self.make(for: Self.boxes, in: Self.folder) }
        making = task
        try await task.value
    }

    /// Makes keys for these workers, and with the first of them the coordinator's and an operator's.
    static func make(for names: [String], in folder: URL) async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in names {
            let keygen = try Launched(["keygen", "--keys", folder.path, "--worker", name], in: folder)
            while keygen.isRunning { try await Task.sleep(for: .milliseconds(10)) }
            let ended = try keygen.end()
            guard ended.status == 0 else {
                throw Launched.Complaint(description: "no key for \(name): \(ended.errors)")
            }
        }
    }
}
