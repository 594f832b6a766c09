import Foundation
import Safetensors
import Torch

/// What the references say: see Tests/Fixtures/README.md.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    static func open(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: folder.appending(path: name).path)
    }
}

extension SafetensorsFile {
    func floats(_ name: String) throws -> [Float] {
        try bytes(of: name).withMemoryRebound(to: UInt8.self) { bytes in
            [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
                count = bytes.count / 4
                _ = UnsafeMutableRawBufferPointer(buffer).initializeMemory(as: UInt8.self, from: bytes)
            }
        }
    }

    func tensor(_ name: String) throws -> Tensor {
        try Tensor.of(floats(name), shape: entry(name).shape)
    }
}

/// ‖a − b‖ / ‖b‖.
func relativeError(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count, "arrays of \(a.count) and \(b.count) numbers have no distance")
    var difference = 0.0
    var norm = 0.0
    for (a, b) in zip(a, b) {
        difference += Double(a - b) * Double(a - b)
        norm += Double(b) * Double(b)
    }
    return (difference / max(norm, .leastNormalMagnitude)).squareRoot()
}
