import Synchronization

/// Something on its way from the thread that made it to the thread that will own it.
///
/// libzmq allows that for sockets, with a full fence in between (zmq_socket(3)); the lock is one.
package final class Handover<Value>: @unchecked Sendable {
    private let lock = Mutex(())
    private var value: Value?

    package init(_ value: Value) { self.value = value }

    /// The thing, once.
    package func take() -> Value? {
        lock.withLock { _ in
            defer { value = nil }
            return value
        }
    }
}
