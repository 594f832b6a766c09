import CZeroMQ

/// One part of a message, in memory that libzmq owns.
///
/// Reading it copies nothing. Sending it gives its bytes away: it is empty afterwards.
package final class Frame {
    let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)

    /// An empty frame, for receiving into.
    init() {
        zmq_msg_init(message)
    }

    /// A frame with a copy of `bytes`.
    package convenience init(_ bytes: UnsafeRawBufferPointer) throws(ZeroMQError) {
        try self.init(count: bytes.count)
        if let source = bytes.baseAddress, let target = zmq_msg_data(message) {
            target.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    /// A frame with a copy of `bytes`.
    package convenience init(_ bytes: [UInt8]) throws(ZeroMQError) {
        try self.init(count: bytes.count)
        bytes.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress, let target = zmq_msg_data(message) {
                target.copyMemory(from: source, byteCount: bytes.count)
            }
        }
    }

    private init(count: Int) throws(ZeroMQError) {
        guard zmq_msg_init_size(message, count) == 0 else {
            let error = ZeroMQError.last("zmq_msg_init_size(\(count))")
            zmq_msg_init(message)
            throw error
        }
    }

    /// A frame that sends `bytes` from where they lie.
    ///
    /// - Parameters:
    ///   - bytes: memory of `owner`, which nobody changes until libzmq has let go of `owner`.
    ///   - owner: kept alive until libzmq's I/O thread has sent the last byte; may be freed on that thread.
    package init(sharing bytes: UnsafeRawBufferPointer, of owner: some AnyObject & Sendable) throws(ZeroMQError) {
        let keeper = Unmanaged<AnyObject>.passRetained(owner)
        let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        let result = zmq_msg_init_data(
            message, start, bytes.count,
            { _, hint in
                if let hint { Unmanaged<AnyObject>.fromOpaque(hint).release() }
            }, keeper.toOpaque())
        guard result == 0 else {
            let error = ZeroMQError.last("zmq_msg_init_data")
            keeper.release()
            zmq_msg_init(message)
            throw error
        }
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// Bytes in the frame.
    package var count: Int { zmq_msg_size(message) }

    /// Reads the frame where it lies.
    ///
    /// The pointer is good within `body` only.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(message), count: count))
    }

    /// A copy of the frame's bytes.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    var hasMore: Bool { zmq_msg_more(message) != 0 }
}
