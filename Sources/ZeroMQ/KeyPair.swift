import CZeroMQ

/// A CURVE key pair in Z85, 40 characters each.
package struct KeyPair: Equatable, Sendable {
    package let publicKey: String
    package let secretKey: String

    /// A fresh pair from the system's randomness (zmq_curve_keypair(3)).
    package static func random() throws(ZeroMQError) -> KeyPair {
        var open = [CChar](repeating: 0, count: 41)
        var secret = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&open, &secret) == 0 else { throw .last("zmq_curve_keypair") }
        return KeyPair(publicKey: text(open), secretKey: text(secret))
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
