import CZeroMQ

/// What a thread waits for: something to read from a socket or from a file descriptor.
package struct Interest {
    fileprivate let item: zmq_pollitem_t

    /// Ready when `socket` has a message.
    ///
    /// Good as long as the socket is open.
    package init(_ socket: borrowing Socket) {
        item = zmq_pollitem_t(socket: socket.raw, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
    }

    /// Ready when `mailbox` has been rung.
    package init<Element>(_ mailbox: Mailbox<Element>) {
        item = zmq_pollitem_t(socket: nil, fd: mailbox.descriptor, events: Int16(ZMQ_POLLIN), revents: 0)
    }
}

/// Waits until one of `interests` is ready or `timeout` is over.
///
/// Blocks the thread: never call it from a task.
///
/// - Returns: for each interest whether it is ready.
package func poll(_ interests: [Interest], timeout: Duration) throws(ZeroMQError) -> [Bool] {
    var items = interests.map(\.item)
    let milliseconds = max(
        0, timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000)
    let result = zmq_poll(&items, CInt(items.count), Int(milliseconds))
    if result < 0 {
        guard zmq_errno() == EINTR else { throw .last("zmq_poll") }
        return interests.map { _ in false }
    }
    return items.map { $0.revents != 0 }
}
