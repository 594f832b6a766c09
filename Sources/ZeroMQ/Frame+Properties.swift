import CZeroMQ

/// What libzmq knows of a received message besides its bytes (zmq_msg_gets(3)).
extension Frame {
    /// The name that the ``Authenticator`` gave to the sender's key.
    ///
    /// nil without CURVE.
    package var userID: String? { property("User-Id").flatMap { $0.isEmpty ? nil : $0 } }

    /// The sender's public key in Z85; nil without CURVE.
    package var userKey: String? { property(Authenticator.keyProperty) }

    /// The sender's IP address.
    package var peerAddress: String? { property("Peer-Address") }

    /// The file descriptor of the connection that it came by; nil for messages of this process.
    package var descriptor: CInt? {
        let number = zmq_msg_get(message, ZMQ_SRCFD)
        return number < 0 ? nil : number
    }

    private func property(_ name: String) -> String? { zmq_msg_gets(message, name).map { String(cString: $0) } }
}
