import Foundation

/// The far end of a TCP connection: an IP address and a port.
struct PeerEndpoint: Hashable, CustomStringConvertible {
    let host: String
    let port: UInt16

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// The far end of the connection with this file descriptor; nil when there is none.
    init?(of descriptor: CInt) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let host = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getpeername(descriptor, address, &length) == 0 ? numericHost(address, length) : nil
            }
        }
        guard let host else { return nil }
        // The port lies at one place in addresses of both families, in the network's order.
        let port = withUnsafeBytes(of: &storage) { $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self) }
        self.init(host: host, port: UInt16(bigEndian: port))
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Bytes that have come in on a TCP connection, or nil when it is gone.
func bytesReceived(on descriptor: CInt) -> UInt64? {
    // `struct tcp_info` of linux/tcp.h, whose `tcpi_bytes_received` (since Linux 4.1) glibc's own header lacks.
    let place = 128
    var facts = [UInt8](repeating: 0, count: 256)
    var length = socklen_t(facts.count)
    guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &facts, &length) == 0, Int(length) >= place + 8 else {
        return nil
    }
    return facts.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt64.self) }
}
