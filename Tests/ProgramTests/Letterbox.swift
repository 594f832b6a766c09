import Foundation
import ProgramSupport
import Synchronization

/// A web server at a port of the loopback that takes in what is posted to it, on a thread of its own, until it goes.
final class Letterbox: Sendable {
    struct Letter {
        /// The request line and the headers.
        let head: String
        let body: [String: any Sendable]
    }

    let port: UInt16
    private let descriptor: Int32
    private let taken = Mutex<[Letter]>([])

    var letters: [Letter] { taken.withLock { $0 } }

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isOpen = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isOpen else { throw Launched.Complaint(description: "no port of the loopback can be listened at") }
        Thread { [weak self, descriptor] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                let letter = Self.read(connection)
                let answer = Array("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".utf8)
                _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
                close(connection)
                if let letter { self?.taken.withLock { $0.append(letter) } }
            }
        }.start()
    }

    deinit {
        // Whoever accepts is woken by it.
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    private static func read(_ connection: Int32) -> Letter? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = recv(connection, &piece, piece.count, 0)
            guard count > 0 else { return nil }
            bytes += piece[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n"),
                let match = text[..<end.lowerBound].firstMatch(of: /(?i)content-length: *([0-9]+)/),
                text[end.upperBound...].utf8.count == Int(match.1),
                let body = try? JSONSerialization.jsonObject(with: Data(text[end.upperBound...].utf8))
            else { continue }
            return Letter(head: String(text[..<end.lowerBound]), body: body as? [String: any Sendable] ?? [:])
        }
        return nil
    }
}
