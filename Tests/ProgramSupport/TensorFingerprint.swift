import Crypto
package import Foundation

/// SHA-256 over the tensors of a LoRA: the file after its header, which has times in it.
package func tensorFingerprint(of file: URL) throws -> String {
    let bytes = try Data(contentsOf: file)
    let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    return SHA256.hash(data: bytes.dropFirst(8 + header)).map { String(format: "%02x", $0) }.joined()
}
