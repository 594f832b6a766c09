import Foundation

/// Does something that waits on a thread of its own, so that it holds up nobody who shares the pool of tasks with it.
package func apart<Result: Sendable>(_ act: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread { continuation.resume(returning: act()) }.start()
    }
}

/// A TCP connection to the loopback, for requests that no well-behaved client would send.
package final class RawConnection: Sendable {
    package struct Complaint: Error, CustomStringConvertible {
        package let description: String
    }

    private let descriptor: Int32

    package init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let isOpen = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isOpen else { throw Complaint(description: "nobody listens at port \(port)") }
    }

    deinit { close(descriptor) }

    package func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// What comes until it holds `text`, or an answer of known length is whole, or the other side is done.
    package func receive(until text: String? = nil) async -> String {
        await apart { self.take(until: text) }
    }

    private func take(until text: String?) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            all += buffer.prefix(count)
            if let text {
                if String(decoding: all, as: UTF8.self).contains(text) { break }
            } else if Self.isWhole(all) {
                break
            }
        }
        return String(decoding: all, as: UTF8.self)
    }

    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n")?.upperBound,
            let match = text[..<end].firstMatch(of: /(?i)content-length: *([0-9]+)/), let length = Int(match.1)
        else { return false }
        return text[end...].utf8.count >= length
    }

    /// A whole answer: status line, headers, body.
    package static func ask(
        _ method: String, _ path: String, port: Int, headers: [String: String] = [:], body: String = ""
    ) async throws -> String {
        let connection = try RawConnection(port: port)
        let lines = ["Host": "127.0.0.1:\(port)", "Content-Length": "\(body.utf8.count)", "Connection": "close"]
            .merging(headers) { $1 }.map { "\($0): \($1)\r\n" }
        connection.send("\(method) \(path) HTTP/1.1\r\n\(lines.joined())\r\n\(body)")
        return await connection.receive()
    }
}

extension String {
    /// The status of an answer.
    package var status: Int { Int(split(separator: " ").dropFirst().first ?? "") ?? 0 }
}
