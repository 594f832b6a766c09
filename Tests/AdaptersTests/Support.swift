import Adapters
import Foundation
import StableDiffusion
import Torch

/// The models that the reference implementations have spoken about.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures")

    static func path(_ name: String) -> String { folder.appending(path: name).path() }

    static func checkpoint(_ model: String) throws -> Checkpoint {
        try Checkpoint(at: folder.appending(path: model))
    }

    /// The table of an adapter on the default targets of a fixture's model.
    static func table(_ model: String, rank: Int = 3, alpha: Double = 2) throws -> ShapeTable {
        try ShapeTable(checkpoint(model).configuration.adaptedLayers(rank: rank, alpha: alpha))
    }
}

extension ModelConfiguration {
    /// The default targets in both parts.
    func adaptedLayers(_ parts: [AdaptedPart] = AdaptedPart.allCases, rank: Int, alpha: Double = 1) -> [AdaptedLayer] {
        parts.flatMap { part in
            TargetModules.layers(
                of: part,
                among: parameters(of: part == .unet ? .unet : .textEncoder).parameters.map { ($0.name, $0.shape) },
                rank: rank, alpha: alpha)
        }
    }
}

/// A folder that is there for one test.
final class TemporaryFolder {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "adapters-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path() }
}

/// Numbers in 0..<1 that depend on name and place alone: SplitMix64's finalizer over FNV-1a of the name.
func uniform(_ name: String, _ count: Int) -> [Float] {
    let seed = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return (0..<count).map { index in
        var mixed = seed &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Float((mixed ^ mixed >> 31) >> 40) / 16_777_216
    }
}

/// A tensor of numbers in -1..<1 that depend on `name` alone.
func noise(_ name: String, _ shape: [Int]) throws -> Tensor {
    try Tensor.of(uniform(name, shape.reduce(1, *)).map { 2 * $0 - 1 }, shape: shape)
}

/// The largest difference, as a part of the largest number in `expected`.
func relativeError(_ actual: Tensor, _ expected: Tensor) throws -> Double {
    let largest = try (expected * expected).maximum().item().squareRoot()
    let difference = try actual - expected
    return try (difference * difference).maximum().item().squareRoot() / largest
}
