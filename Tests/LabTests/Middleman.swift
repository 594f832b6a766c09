import Foundation
import ProgramSupport
import Synchronization

/// Passes bytes on between two ends of TCP connections, and flips a bit now and then on the way there.
///
/// Its sockets belong to the box in which it is made.
final class Middleman: Sendable {
    private struct State {
        var descriptors: [Int32] = []
        var flipped = 0
    }

    private let state = Mutex(State())

    /// How many bits it has flipped.
    var flipped: Int { state.withLock { $0.flipped } }

    /// - Parameters:
    ///   - ports: where it listens on the loopback, and what it connects to at `host`.
    ///   - flipEvery: in how many bytes on the way there one has a bit flipped.
    init(ports: [Int], to host: String, flipEvery: Int) throws {
        for port in ports {
            let listener = try tcpSocket("127.0.0.1", port) { socket, address, length in
                var yes: Int32 = 1
                setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
                return bind(socket, address, length) == 0 && listen(socket, 8) == 0
            }
            state.withLock { $0.descriptors.append(listener) }
            // A thread is in the network of the one that starts it.
            Thread { [self] in
                while true {
                    let near = accept(listener, nil, nil)
                    guard near >= 0 else { return }
                    guard let far = try? tcpSocket(host, port, { connect($0, $1, $2) == 0 }) else {
                        Glibc.close(near)
                        continue
                    }
                    state.withLock { $0.descriptors += [near, far] }
                    Thread { [self] in pass(from: near, to: far, flipEvery: flipEvery) }.start()
                    Thread { [self] in pass(from: far, to: near, flipEvery: .max) }.start()
                }
            }.start()
        }
    }

    /// Ends every connection.
    func close() {
        for descriptor in state.withLock({ $0.descriptors }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    private func pass(from: Int32, to: Int32, flipEvery: Int) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var passed = 0
        while true {
            let count = read(from, &buffer, buffer.count)
            guard count > 0 else { break }
            if passed / flipEvery != (passed + count) / flipEvery {
                buffer[count / 2] ^= 4
                state.withLock { $0.flipped += 1 }
            }
            passed += count
            var sent = 0
            while sent < count {
                let written = buffer.withUnsafeBytes {
                    send(to, $0.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                sent += written
            }
            guard sent == count else { break }
        }
        // The other direction's thread ends too; the numbers are let go when the process ends.
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }
}
