import Foundation
import Synchronization

/// Stands between one connection and a port: passes on what both say, and adds to it what it is told to.
final class Tamperer {
    /// Where to connect to instead.
    let port: UInt16
    private let ends: Ends

    /// Descriptors that are open: of the listener, and of the connection's two halves when it is there.
    private final class Ends: Sendable {
        let open = Mutex<[Int32]>([])

        /// Ends whatever waits on them; to be closed by the thread that uses them.
        func shutDown() { open.withLock { for descriptor in $0 { shutdown(descriptor, Int32(SHUT_RDWR)) } } }

        func close(_ descriptors: [Int32]) {
            open.withLock { $0.removeAll { descriptors.contains($0) } }
            for descriptor in descriptors { Glibc.close(descriptor) }
        }
    }

    init(to port: UInt16) throws {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let listener = socket(AF_INET, kind, 0)
        var address = Self.loopback(0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var length = size
        let isThere = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard listener >= 0, isThere else { throw POSIXError(.EADDRINUSE) }
        self.port = UInt16(bigEndian: address.sin_port)
        let ends = Ends()
        self.ends = ends
        ends.open.withLock { $0 = [listener] }
        Thread {
            defer { ends.close([listener]) }
            let near = accept(listener, nil, nil)
            guard near >= 0 else { return }
            let far = socket(AF_INET, kind, 0)
            defer { ends.close([near, far]) }
            var address = Self.loopback(port)
            let isThere = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(far, $0, size) == 0 }
            }
            guard isThere else { return }
            ends.open.withLock { $0 = [listener, near, far] }
            Self.pass(between: near, and: far)
        }.start()
    }

    deinit { ends.shutDown() }

    /// Says this to the port, as if it came from whoever has connected.
    func inject(_ bytes: [UInt8]) {
        ends.open.withLock { open in
            guard open.count == 3 else { return }
            _ = bytes.withUnsafeBytes { send(open[2], $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Until one of them has nothing more to say.
    private static func pass(between near: Int32, and far: Int32) {
        var ends = [
            pollfd(fd: near, events: Int16(POLLIN), revents: 0), pollfd(fd: far, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while poll(&ends, 2, -1) > 0 || errno == EINTR {
            for (from, to) in [(0, 1), (1, 0)] where ends[from].revents != 0 {
                let count = read(ends[from].fd, &buffer, buffer.count)
                guard count > 0, send(ends[to].fd, &buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
            }
        }
    }
}
