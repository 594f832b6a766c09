import Foundation

/// Where the workers of all scenarios keep the base model, 22 MB that would take long on a slow cable.
///
/// It goes when this process goes.
actor SharedCache {
    static let shared = SharedCache()
    private static let name = "\(Lab.prefix)\(getpid())-cache"
    static let folder = FileManager.default.temporaryDirectory.appending(path: name)
    private let guardian = try? Guardian(prefix: name, folder: folder)
    private var filling: Task<Void, any Error>?

    /// Has one worker fetch all that the recipes need, the first time.
    func fill() async throws {
        let task =
            filling
            ?? Task {
                let cluster = try Cluster("fetching the model", boxes: ["box1"], recipe: LabRecipe(steps: 1))
                defer { cluster.close() }
                try cluster.start()
                _ = try await cluster.end(of: cluster.process("coordinator"))
            }
        filling = task
        try await task.value
    }
}
