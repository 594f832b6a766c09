import CZeroMQ

/// A CURVE key pair in Z85, 40 characters each.
package struct KeyPair: Equatable, Sendable {
    package let publicKey: String
    package let secretKey: String

    /// A fresh pair from the system's randomness (zmq_curve_keypair(3)).
    package static func random() throws(ZeroMQError) -> KeyPair {
        try requireCurve()
        var open = [CChar](repeating: 0, count: 41)
        var secret = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&open, &secret) == 0 else { throw .last("zmq_curve_keypair") }
        return KeyPair(publicKey: text(open), secretKey: text(secret))
    }

    /// The pair of a secret key (zmq_curve_public(3)).
    ///
    /// - Returns: nil when `secretKey` is no key in Z85.
    package init?(secretKey: String) throws(ZeroMQError) {
        guard Z85.isKey(secretKey) else { return nil }
        try requireCurve()
        var open = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&open, secretKey) == 0 else { return nil }
        self.init(publicKey: text(open), secretKey: secretKey)
    }

    private init(publicKey: String, secretKey: String) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }
}

/// The alphabet in which ZeroMQ writes keys (rfc.zeromq.org/spec/32).
package enum Z85 {
    private static let alphabet = Set(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

    /// Whether `text` stands for 32 bytes: 40 characters, and no group of five that says more than 32 bits.
    package static func isKey(_ text: String) -> Bool {
        guard text.utf8.count == 40, text.utf8.allSatisfy(alphabet.contains) else { return false }
        var bytes = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&bytes, text) != nil
    }

    /// The text of a key of 32 bytes; nil when it has another length.
    static func text(of bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count == 32, let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return nil }
        var encoded = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&encoded, start, 32) != nil else { return nil }
        return ZeroMQ.text(encoded)
    }
}

private func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
