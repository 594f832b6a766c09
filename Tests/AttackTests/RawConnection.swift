import Coordination
import Foundation
import ProgramSupport

/// A TCP connection that says what it likes, in bytes.
final class RawConnection {
    private let descriptor: Int32

    init(to port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isThere = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isThere else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Launched.Complaint(description: "no connection at port \(port): \(reason)")
        }
        // Whoever is not read for a while gives up.
        var patience = timeval(tv_sec: 0, tv_usec: 200_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// - Returns: whether all of it was taken.
    @discardableResult
    func say(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Whether the other end has had enough.
    var isClosed: Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 { continue }
            return count == 0 || errno != EAGAIN
        }
    }
}

/// What one says in ZMTP 3.1 (rfc.zeromq.org/spec/37).
enum ZMTP {
    /// A greeting of someone who uses no keys, and READY as a DEALER.
    static let handshake: [UInt8] = {
        let name = "Socket-Type"
        let value = "DEALER"
        var ready = [5] + Array("READY".utf8) + [UInt8(name.utf8.count)] + Array(name.utf8)
        ready += [0, 0, 0, UInt8(value.utf8.count)] + Array(value.utf8)
        return greeting("NULL") + [4, UInt8(ready.count)] + ready
    }()

    /// The first 64 bytes, which say by what mechanism one proves who one is.
    static func greeting(_ mechanism: String) -> [UInt8] {
        let greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array(mechanism.utf8)
        return greeting + [UInt8](repeating: 0, count: 64 - greeting.count)
    }

    /// A command that everybody who has no key can say as well as not: CURVE's HELLO, its box made of nothing.
    static func hello(_ random: inout some RandomNumberGenerator) -> [UInt8] {
        let body = [5] + Array("HELLO".utf8) + [1, 0] + [UInt8](repeating: 0, count: 72)
        return [4, 200] + body + (0..<120).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// A frame's beginning that says how long it is.
    static func head(_ length: UInt64, more: Bool = false) -> [UInt8] {
        [more ? 3 : 2] + withUnsafeBytes(of: length.bigEndian) { Array($0) }
    }

    static func message(_ frames: [[UInt8]]) -> [UInt8] {
        frames.enumerated().flatMap { index, frame in
            head(UInt64(frame.count), more: index + 1 < frames.count) + frame
        }
    }
}
