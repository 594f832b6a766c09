package import Crypto

/// SHA-256 of some bytes: their name, wherever they lie.
package struct ContentHash: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of a hash.
    package static let size = 32
    /// ``size`` of them.
    package let bytes: [UInt8]

    package init(_ digest: SHA256Digest) {
        bytes = Array(digest)
    }

    /// - Parameter bytes: nil unless they are ``size``.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = Array(bytes)
    }

    /// - Parameter digits: nil unless they are 64 hexadecimal digits in lower case.
    package init?(_ digits: some StringProtocol) {
        let values = digits.utf8.compactMap { digit -> UInt8? in
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        guard digits.utf8.count == 2 * Self.size, values.count == 2 * Self.size else { return nil }
        bytes = (0..<Self.size).map { values[2 * $0] << 4 | values[2 * $0 + 1] }
    }

    /// 64 hexadecimal digits.
    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The first twelve digits, which are enough to tell two apart in a message.
    package var short: String { String(description.prefix(12)) }
}

extension ContentHash: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let digits = try container.decode(String.self)
        guard let hash = ContentHash(digits) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(digits.prefix(80))' is no SHA-256: it has 64 hexadecimal digits")
        }
        self = hash
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Bytes that are known by their hash, and how many there are.
package struct Content: Hashable, Sendable {
    package let hash: ContentHash
    /// Never negative.
    package let count: Int

    package init(hash: ContentHash, count: Int) {
        self.hash = hash
        self.count = max(0, count)
    }

    /// What these bytes are called.
    package init(of bytes: [UInt8]) {
        self.init(hash: ContentHash(SHA256.hash(data: bytes)), count: bytes.count)
    }
}

extension Content: Codable {
    private enum CodingKeys: String, CodingKey {
        case hash = "sha256"
        case count = "bytes"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let count = try container.decode(Int.self, forKey: .count)
        guard count >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .count, in: container, debugDescription: "nothing has \(count) bytes")
        }
        self.init(hash: try container.decode(ContentHash.self, forKey: .hash), count: count)
    }
}
