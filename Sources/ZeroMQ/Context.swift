import CZeroMQ

/// libzmq's I/O threads, and what every socket of a process hangs on.
///
/// It may be shared between threads; its sockets may not. A socket keeps its context alive, because `zmq_ctx_term`
/// waits until every socket is closed (zmq_ctx_term(3)).
package final class Context: @unchecked Sendable {
    // `Sendable` by zmq(7): "A ØMQ context is thread safe".
    let raw: UnsafeMutableRawPointer

    /// - Parameter ioThreads: threads that move bytes; one carries about a gigabyte a second.
    /// - Throws: ``ZeroMQError/outdatedLibrary(_:)`` below libzmq 4.3.3, whose CURVE has known holes.
    package init(ioThreads: Int = 1) throws(ZeroMQError) {
        var major: CInt = 0
        var minor: CInt = 0
        var patch: CInt = 0
        zmq_version(&major, &minor, &patch)
        guard (major, minor, patch) >= (4, 3, 3) else { throw .outdatedLibrary("\(major).\(minor).\(patch)") }
        guard let raw = zmq_ctx_new() else { throw .failed("zmq_ctx_new", code: zmq_errno()) }
        self.raw = raw
        guard zmq_ctx_set(raw, ZMQ_IO_THREADS, CInt(clamping: ioThreads)) == 0 else {
            throw .failed("zmq_ctx_set", code: zmq_errno())
        }
    }

    deinit {
        while zmq_ctx_term(raw) != 0 && zmq_errno() == EINTR {}
    }
}
