import Foundation
import ProgramSupport
import Synchronization

/// Passes bytes on between two ends of TCP connections, late where it is told to, and flips a bit now and then on the
/// way there.
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
    ///   - delay: how long each byte is kept, each way.
    init(ports: [Int], to host: String, flipEvery: Int = .max, delay: Duration = .zero) throws {
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
                    Thread { [self] in pass(from: near, to: far, flipEvery: flipEvery, delay: delay) }.start()
                    Thread { [self] in pass(from: far, to: near, flipEvery: .max, delay: delay) }.start()
                }
            }.start()
        }
    }

    /// Ends every connection.
    func close() {
        for descriptor in state.withLock({ $0.descriptors }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    private func pass(from: Int32, to: Int32, flipEvery: Int, delay: Duration) {
        let way = Way(to: to, delay: delay)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var passed = 0
        while way.isOpen {
            let count = read(from, &buffer, buffer.count)
            guard count > 0 else { break }
            if passed / flipEvery != (passed + count) / flipEvery {
                buffer[count / 2] ^= 4
                state.withLock { $0.flipped += 1 }
            }
            passed += count
            way.carry(Array(buffer[..<count]))
        }
        way.finish()
        // The other direction's thread ends too; the numbers are let go when the process ends.
        shutdown(from, Int32(SHUT_RDWR))
        shutdown(to, Int32(SHUT_RDWR))
    }
}

/// One direction of a connection, on which some pieces may be under way at a time.
private final class Way: Sendable {
    private let socket: Int32
    private let delay: Duration
    private let line = DispatchQueue(label: "way")
    private let room = DispatchSemaphore(value: 64)
    private let isBroken = Atomic<Bool>(false)

    init(to socket: Int32, delay: Duration) {
        self.socket = socket
        self.delay = delay
    }

    var isOpen: Bool { !isBroken.load(ordering: .relaxed) }

    /// Sends the bytes when their time has come; waits while there is too much on the way.
    func carry(_ bytes: [UInt8]) {
        room.wait()
        line.asyncAfter(deadline: .now() + delay / .seconds(1)) { [self] in
            defer { room.signal() }
            var sent = 0
            while sent < bytes.count, isOpen {
                let written = bytes.withUnsafeBytes {
                    send(socket, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                if written <= 0 { isBroken.store(true, ordering: .relaxed) }
                sent += written
            }
        }
    }

    /// Waits until all is sent, or cannot be.
    func finish() {
        for _ in 0..<64 { room.wait() }
        for _ in 0..<64 { room.signal() }
    }
}
