import Foundation
import Safetensors
import Torch

@testable import StableDiffusion

/// What the reference implementations say: `Tests/Fixtures`.
enum Fixtures {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    static func folder(_ model: String) -> URL { root.appending(path: model) }
    static func singleFile(_ model: String) -> URL { root.appending(path: "\(model).ldm.safetensors") }

    static func json<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(contentsOf: root.appending(path: name)))
    }

    /// A file's tensors by name, in fp32 or int64.
    static func tensors(_ name: String) throws -> [String: Tensor] {
        let file = try SafetensorsFile(path: root.appending(path: name + ".safetensors").path)
        var tensors: [String: Tensor] = [:]
        for entry in file.header.tensors {
            guard let base = file.bytes(of: entry).baseAddress else { continue }
            let type: ScalarType = entry.type == .int64 ? .int64 : .float32
            tensors[entry.name] = try Tensor.over(base, shape: entry.shape, type: type, keeping: file)
        }
        return tensors
    }
}

let models = ["tiny-sd1", "tiny-sd2"]

/// The length of the difference over the length of what was expected.
func relativeError(_ found: Tensor, _ expected: Tensor) throws -> Double {
    guard found.shape == expected.shape else { return .infinity }
    let difference = try (found.to(.float64) - expected.to(.float64)).norm().item()
    return difference / max(try expected.to(.float64).norm().item(), 1e-30)
}

/// A folder that is gone when its owner is.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// A copy of a fixture's folder.
    init(copyOf model: String) throws {
        url = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: Fixtures.folder(model), to: url)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: url.appending(path: path))
    }

    /// Writes the tensors of one file, renamed or with another shape, into others; nil leaves a tensor out.
    func rewrite(
        _ path: String, into other: String? = nil, _ change: (String, [Int]) -> (name: String, shape: [Int])?
    ) throws {
        let file = try SafetensorsFile(path: url.appending(path: path).path)
        let tensors = file.header.tensors.compactMap { entry -> OutgoingTensor? in
            guard let (name, shape) = change(entry.name, entry.shape) else { return nil }
            return OutgoingTensor(name: name, type: entry.type, shape: shape, bytes: Array(file.bytes(of: entry)))
        }
        try SafetensorsWriter(tensors).write(to: url.appending(path: other ?? path).path)
    }
}
