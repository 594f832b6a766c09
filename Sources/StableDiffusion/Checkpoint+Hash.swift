import Crypto
import Foundation
import Safetensors

extension Checkpoint {
    /// The SHA-256 of one network's tensors, as 64 hexadecimal digits: their names, formats, shapes and bytes.
    ///
    /// It does not depend on the layout of the files that hold them. Reads all of the part once.
    package func hash(of part: ModelPart) throws(ModelError) -> String {
        var hasher = SHA256()
        for (name, tensor) in try located(part).tensors.sorted(by: { $0.key < $1.key }) {
            hasher.update(data: Data("\(name) \(tensor.entry.type.rawValue) \(tensor.shape)\n".utf8))
            hasher.update(bufferPointer: tensor.bytes)
        }
        return Self.digits(hasher.finalize())
    }

    /// The SHA-256 of everything that decides what the model computes: the networks, their settings and the vocabulary.
    package func contentHash() throws(ModelError) -> String {
        var hasher = SHA256()
        for part in ModelPart.allCases { hasher.update(data: Data("\(part.rawValue) \(try hash(of: part))\n".utf8)) }
        for url in settings {
            let name = url.pathComponents.suffix(2).joined(separator: "/")
            hasher.update(data: Data("\(name) ".utf8))
            hasher.update(data: Data(SHA256.hash(data: try readFile(url, limit: 64 << 20))))
        }
        hasher.update(data: Data(configuration.scheduler.predictionType.rawValue.utf8))
        return Self.digits(hasher.finalize())
    }

    private static func digits(_ digest: SHA256Digest) -> String {
        digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
