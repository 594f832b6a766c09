import Foundation
import ProgramSupport

/// A TCP connection that says too little.
final class MuteConnection: Sendable {
    private let descriptor: Int32

    init(to host: String, port: Int, saying bytes: [UInt8]) throws {
        descriptor = try tcpSocket(host, port) { connect($0, $1, $2) == 0 }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        say(bytes)
    }

    deinit { close(descriptor) }

    private func say(_ bytes: [UInt8]) { send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Says one more byte.
    func dribble() { say([0]) }

    /// Whether the other end has had enough.
    var isClosed: Bool {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { continue }
            return count == 0 || errno != EAGAIN
        }
    }
}

/// A TCP socket in the network of the calling thread.
///
/// - Parameter use: what is done with it and its address; false is a failure.
func tcpSocket(
    _ host: String, _ port: Int, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isUsable = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { use(descriptor, $0, length) }
    }
    guard isUsable else {
        close(descriptor)
        throw Launched.Complaint(description: "no connection at \(host):\(port)")
    }
    return descriptor
}
