import Foundation
import Images
import ProgramSupport

/// A folder with six small pictures, their captions, and a recipe: all that a run needs, for one test.
///
/// The recipe has what could make results depend on who computes what: several buckets, flips, shuffled and dropped
/// captions, a text encoder that is trained, and steps of seven slots with a short one at each epoch's end.
final class Furnace {
    let folder: URL
    /// Recipe keys, with their values as TOML writes them.
    var settings: [String: String]

    /// How many optimizer steps the recipe has; seven slots, then three, then seven again.
    static let steps = 5

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
        settings = [
            "pretrained_model_name_or_path": "\"\(Self.model.path)\"", "train_data_dir": "\"data\"",
            "resolution": "\"24,24\"", "enable_bucket": "true", "min_bucket_reso": "16", "max_bucket_reso": "40",
            "bucket_reso_steps": "8", "flip_aug": "true", "shuffle_caption": "true", "caption_dropout_rate": "0.2",
            "network_dim": "3", "network_alpha": "2", "learning_rate": "1e-3", "train_batch_size": "2",
            "gradient_accumulation_steps": "7", "max_train_steps": "\(Self.steps)", "seed": "7",
            "output_dir": "\"out\"", "output_name": "\"horse\"", "threads_per_worker": "1", "device": "\"cpu\"",
        ]
        let pictures = folder.appending(path: "data/3_a horse")
        try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
        for (index, size) in [(24, 24), (32, 20), (20, 32), (40, 24), (24, 24), (26, 22)].enumerated() {
            try Self.picture(index, PixelSize(width: size.0, height: size.1))
                .writePNG(to: pictures.appending(path: "\(index).png").path)
            try Data("a horse, number \(index), on a meadow".utf8)
                .write(to: pictures.appending(path: "\(index).txt"))
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")
    static let model = fixtures.appending(path: "tiny-sd1")

    /// Stripes that differ from picture to picture, and from left to right.
    static func picture(_ number: Int, _ size: PixelSize) -> PixelImage {
        var image = PixelImage(size: size, red: 0, green: 0, blue: 0)
        for index in image.samples.indices {
            let (x, y, channel) = (index / 3 % size.width, index / 3 / size.width, index % 3)
            image.samples[index] = UInt8((x * (7 + number) + y * (3 + channel) + 40 * number) % 256)
        }
        return image
    }

    /// A file or folder inside.
    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// Writes the recipe as it is now.
    func write(recipe name: String = "recipe.toml") throws {
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }
        try Data(lines.joined().utf8).write(to: folder.appending(path: name))
    }

    /// Starts the program in this folder.
    func danlu(_ arguments: String..., environment: [String: String] = [:]) throws -> Launched {
        try Launched(arguments, in: folder, environment: environment)
    }

    /// Starts `danlu train` on the recipe as it is now.
    func train(workers: Int = 1, _ more: String...) throws -> Launched {
        try write()
        return try Launched(["train", "recipe.toml", "--workers", "\(workers)"] + more, in: folder)
    }

    /// See ``tensorFingerprint(of:)``; of the finished LoRA.
    func fingerprint(of name: String = "out/horse.safetensors") throws -> String {
        try tensorFingerprint(of: folder.appending(path: name))
    }

    /// What one worker, never disturbed, makes of the recipe: found once for all tests.
    static func expected() throws -> String { try undisturbed.get() }

    private static let undisturbed = Result<String, any Error> {
        let furnace = try Furnace()
        let ended = try furnace.train().end()
        guard ended.status == 0 else {
            throw Launched.Complaint(description: "one worker's run ended with \(ended.status): \(ended.errors)")
        }
        return try furnace.fingerprint()
    }
}
