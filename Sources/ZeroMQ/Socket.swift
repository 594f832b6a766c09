import CZeroMQ

/// One end of a ZeroMQ conversation.
///
/// A socket has one owner: it cannot be copied, is closed when its owner lets go of it, and is not `Sendable`,
/// because libzmq's sockets must not be used from two threads at once (zmq_socket(3)).
package struct Socket: ~Copyable {
    let raw: UnsafeMutableRawPointer
    private let context: Context  // sockets must close before their context terminates

    /// A socket that drops unsent messages when it closes; ``SocketOption/linger`` makes it wait instead.
    package init(_ kind: SocketKind, in context: Context) throws(ZeroMQError) {
        guard let raw = zmq_socket(context.raw, kind.raw) else { throw .last("zmq_socket") }
        var linger: CInt = 0
        zmq_setsockopt(raw, ZMQ_LINGER, &linger, MemoryLayout<CInt>.size)
        self.raw = raw
        self.context = context
    }

    deinit {
        zmq_close(raw)
    }

    /// Listens at `address`; port `*` or `0` lets the system choose one, which ``endpoint`` tells.
    package func bind(_ address: String) throws(ZeroMQError) {
        guard zmq_bind(raw, address) == 0 else { throw .last("zmq_bind", address: address) }
    }

    /// Goes on trying to reach `address` until it is there; never waits.
    package func connect(_ address: String) throws(ZeroMQError) {
        guard zmq_connect(raw, address) == 0 else { throw .last("zmq_connect", address: address) }
    }

    /// The address last bound or connected to, with the port that the system chose.
    package var endpoint: String {
        get throws(ZeroMQError) {
            var length = 256
            var text = [CChar](repeating: 0, count: length)
            guard zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, &text, &length) == 0 else {
                throw .last("zmq_getsockopt(ZMQ_LAST_ENDPOINT)")
            }
            return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        }
    }

    /// Sends one message of these frames, or throws without waiting.
    ///
    /// The frames are empty afterwards.
    ///
    /// - Throws: ``ZeroMQError/queueFull``, ``ZeroMQError/peerUnreachable``; then nothing was sent.
    package func send(_ frames: [Frame]) throws(ZeroMQError) {
        for (index, frame) in frames.enumerated() {
            let more = index + 1 < frames.count ? ZMQ_SNDMORE : 0
            while zmq_msg_send(frame.message, raw, ZMQ_DONTWAIT | more) < 0 {
                if zmq_errno() == EINTR { continue }
                throw .last("zmq_msg_send")
            }
        }
    }

    /// The next message, or nil when there is none now.
    ///
    /// Frames are handed over without copying.
    ///
    /// - Parameter maximumFrames: a message with more is read to its end, dropped, and thrown as
    /// ``ZeroMQError/tooManyFrames(_:limit:)``.
    package func receive(maximumFrames: Int) throws(ZeroMQError) -> [Frame]? {
        var frames: [Frame] = []
        var count = 0
        while true {
            let frame = Frame()
            if zmq_msg_recv(frame.message, raw, ZMQ_DONTWAIT) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN where count == 0: return nil
                default: throw .last("zmq_msg_recv")
                }
            }
            count += 1
            if count <= maximumFrames { frames.append(frame) }
            if !frame.hasMore { break }
        }
        guard count <= maximumFrames else { throw .tooManyFrames(count, limit: maximumFrames) }
        return frames
    }
}
