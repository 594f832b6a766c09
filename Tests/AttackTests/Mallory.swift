import Coordination
import Foundation
import ZeroMQ

/// Somebody with a key that the coordinator knows, who says what it likes.
final class Mallory {
    private let socket: Socket
    private let monitor: SocketMonitor

    init(at port: UInt16, key: KeyFile, in context: Context) throws {
        socket = try Socket(.dealer, in: context)
        try key.secure(socket)
        monitor = try SocketMonitor(of: socket, in: context)
        try socket.connect("tcp://127.0.0.1:\(port)")
    }

    /// - Returns: whether there was room for it.
    func say(_ frames: [[UInt8]]) -> Bool { (try? socket.send(frames.map { try Frame($0) })) != nil }

    /// Waits for the end of the handshake.
    func isGreeted(within seconds: Double) throws -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            _ = try poll([monitor.interest], timeout: .milliseconds(100))
            while let event = try monitor.next() {
                if event == .greeted { return true }
            }
        }
        return false
    }
}
