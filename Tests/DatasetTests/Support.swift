import Foundation
import Images
import Recipe

/// A picture of Tests/Fixtures/images; make.py there says what each one is.
func fixture(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(components: "Fixtures", "images", name).path(percentEncoded: false)
}

func decoded(_ name: String) throws -> PixelImage {
    try PictureFile(path: fixture(name)).decoded()
}

/// The sentence of the error that `body` throws, or "nothing was thrown".
func sentence<Result>(_ body: () throws -> Result) -> String {
    do {
        _ = try body()
        return "nothing was thrown"
    } catch {
        return "\(error)"
    }
}

/// The largest difference between two pictures, in levels; nil where their sizes differ.
func largestDifference(_ a: PixelImage, _ b: PixelImage) -> Int? {
    guard a.size == b.size else { return nil }
    return zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max()
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(component: "danlu-\(UUID())").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Puts a file there, and the folders on the way to it.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file.path(percentEncoded: false)
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    /// Puts a copy of a fixture there.
    @discardableResult
    func copy(_ name: String, as copy: String? = nil) throws -> String {
        try write(copy ?? name, readFile(fixture(name), limit: 1 << 20))
    }
}

extension TrainingData {
    /// One dataset of 64×64 pixels with these subsets.
    static func of(_ subsets: [Subset]) -> TrainingData {
        var dataset = Dataset()
        (dataset.width, dataset.height) = (64, 64)
        dataset.subsets = subsets
        var data = TrainingData()
        data.datasets = [dataset]
        return data
    }
}

extension TrainingData.Subset {
    init(_ folder: String, repeats: Int = 1, isRegularization: Bool = false, classTokens: String? = "horse") {
        self.init()
        imageDirectory = folder
        self.repeats = repeats
        self.isRegularization = isRegularization
        self.classTokens = classTokens
    }
}
