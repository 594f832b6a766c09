import CZeroMQ

/// What happens to a socket's connections, as libzmq tells it (zmq_socket_monitor(3)).
package enum SocketEvent: Equatable, Sendable {
    /// A server took in a connection, with this file descriptor.
    case accepted(descriptor: CInt)
    /// A client reached a server; the handshake comes next.
    case connected
    /// A client did not reach a server and will try again.
    case retrying
    case greeted
    /// The handshake broke off without a word: a deadline, or an end that cannot be decrypted.
    case greetingBroken
    /// The two sides do not speak the same, as when one uses CURVE and the other does not.
    case greetingMismatched
    /// The ``Authenticator`` of the other side, or of this, said no.
    case unwelcome
    /// A connection ended, with this file descriptor.
    case disconnected(descriptor: CInt)
    /// The system has no more file descriptors for connections.
    case acceptFailed(code: CInt)
}

/// An ear at a socket.
///
/// libzmq's I/O thread waits when it is not read for long, so read it often.
package final class SocketMonitor {
    private let socket: Socket

    /// - Parameter watched: call it on the thread that owns this socket.
    package init(of watched: borrowing Socket, in context: Context) throws(ZeroMQError) {
        let endpoint = "inproc://monitor-\(UInt(bitPattern: watched.raw))-\(UInt32.random(in: .min ... .max))"
        let events =
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED
            | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        guard zmq_socket_monitor(watched.raw, endpoint, events) == 0 else { throw .last("zmq_socket_monitor") }
        socket = try Socket(.pair, in: context)
        try socket.connect(endpoint)
    }

    /// Ready when there is an event.
    package var interest: Interest { Interest(socket) }

    /// The next event, or nil when there is none now; never waits.
    package func next() throws(ZeroMQError) -> SocketEvent? {
        while let frames = try socket.receive(maximumFrames: 2) {
            if let event = frames.first.flatMap(Self.read) { return event }
        }
        return nil
    }

    /// A number of 16 bits, the event, and one of 32, what comes with it; in the machine's own order.
    private static func read(_ frame: Frame) -> SocketEvent? {
        frame.withUnsafeBytes { bytes -> SocketEvent? in
            guard bytes.count >= 6 else { return nil }
            let value = bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self)
            return switch Int32(bytes.loadUnaligned(as: UInt16.self)) {
            case ZMQ_EVENT_ACCEPTED: .accepted(descriptor: value)
            case ZMQ_EVENT_ACCEPT_FAILED: .acceptFailed(code: value)
            case ZMQ_EVENT_CONNECTED: .connected
            case ZMQ_EVENT_CONNECT_RETRIED: .retrying
            case ZMQ_EVENT_DISCONNECTED: .disconnected(descriptor: value)
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: .greeted
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: .greetingBroken
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: .greetingMismatched
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: .unwelcome
            default: nil
            }
        }
    }
}
