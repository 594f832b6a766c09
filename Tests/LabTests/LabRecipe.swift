import Foundation
import ProgramSupport

/// What a scenario trains: the demo's model and pictures, for a few short steps.
struct LabRecipe: Hashable {
    var steps = 10
    /// Recipe keys with their values as TOML writes them, over those that all scenarios have.
    var settings: [String: String] = [:]

    static let output = "lab.safetensors"
    private static let demo = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Cluster").standardizedFileURL
    /// The base model's folder.
    static let model = demo.appending(path: "demo-base")

    /// Writes `recipe.toml`; its results go to `out`.
    func write(to folder: URL) throws {
        let common = [
            "pretrained_model_name_or_path": "\"\(Self.model.path)\"",
            "train_data_dir": "\"\(Self.demo.path)/demo-data/train\"", "resolution": "\"64\"",
            "network_dim": "8", "network_alpha": "8", "network_train_unet_only": "true", "unet_lr": "2e-3",
            "train_batch_size": "1", "gradient_accumulation_steps": "6", "max_train_steps": "\(steps)",
            "save_every_n_steps": "1", "save_precision": "\"float\"", "seed": "7", "threads_per_worker": "1",
            "device": "\"cpu\"", "output_dir": "\"out\"", "output_name": "\"lab\"",
        ]
        let lines = common.merging(settings) { $1 }.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }
        try Data(lines.joined().utf8).write(to: folder.appending(path: "recipe.toml"))
    }
}

/// What one worker on one box makes of a recipe, when nothing happens to it; found once for all scenarios.
actor Undisturbed {
    static let shared = Undisturbed()
    private var found: [LabRecipe: Task<String, any Error>] = [:]

    func fingerprint(_ recipe: LabRecipe) async throws -> String {
        let task =
            found[recipe]
            ?? Task {
                let folder = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(at: folder) }
                try recipe.write(to: folder)
                let run = try Launched(["train", "recipe.toml"], in: folder)
                while run.isRunning { try await Task.sleep(for: .milliseconds(20)) }
                let ended = try run.end()
                guard ended.status == 0 else {
                    throw Launched.Complaint(
                        description: "the undisturbed run ended with \(ended.status): \(ended.errors)")
                }
                let fingerprint = try tensorFingerprint(of: folder.appending(path: "out/\(LabRecipe.output)"))
                print("lab: undisturbed, one worker makes \(fingerprint.prefix(12))")
                return fingerprint
            }
        found[recipe] = task
        return try await task.value
    }
}
