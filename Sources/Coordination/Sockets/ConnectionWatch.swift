import Foundation
import Synchronization
import ZeroMQ

/// Listens to what happens to the connections of server sockets.
///
/// It has a thread of its own, because libzmq waits for whoever does not listen.
final class ConnectionWatch: Sendable {
    private let quit: Mailbox<Void>
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter turnedAway: called on the watch's thread.
    init(
        _ monitors: [Handover<SocketMonitor>],
        turnedAway: @escaping @Sendable (TurnedAway.Reason, _ address: String) -> Void
    ) throws(ZeroMQError) {
        quit = try Mailbox()
        let (quit, ended) = (quit, ended)
        let thread = Thread {
            Self.listen(monitors, until: quit, turnedAway: turnedAway)
            ended.signal()
        }
        thread.name = "connection watch"
        thread.start()
    }

    deinit {
        quit.put(())
        ended.wait()
    }

    private static func listen(
        _ monitors: [Handover<SocketMonitor>], until quit: Mailbox<Void>,
        turnedAway: (TurnedAway.Reason, String) -> Void
    ) {
        var lines = monitors.compactMap { $0.take() }.map { (monitor: $0, ledger: ConnectionLedger()) }
        while quit.takeAll().isEmpty {
            // What can fail here is a wait that a signal interrupts, and the next turn makes up for it.
            _ = try? poll([Interest(quit)] + lines.map(\.monitor.interest), timeout: .seconds(60))
            for index in lines.indices {
                while let event = try? lines[index].monitor.next() {
                    lines[index].ledger.heard(event, address: peerAddress, turnedAway: turnedAway)
                }
            }
        }
    }
}

/// The connections of one server socket, by file descriptor.
struct ConnectionLedger {
    private var addresses: [CInt: String] = [:]
    private var failing: TurnedAway.Reason?

    /// - Parameter address: the IP address at the other end of a connection.
    mutating func heard(
        _ event: SocketEvent, address: (CInt) -> String?, turnedAway: (TurnedAway.Reason, String) -> Void
    ) {
        switch event {
        case .accepted(let descriptor): addresses[descriptor] = address(descriptor)
        // The end of the connection that failed comes right behind its failure.
        case .greetingBroken: failing = .broken
        case .greetingMismatched: failing = .mismatched
        case .disconnected(let descriptor):
            let address = addresses.removeValue(forKey: descriptor)
            if let failing { turnedAway(failing, address ?? "somebody") }
            failing = nil
        case .connected, .retrying, .greeted, .unwelcome, .acceptFailed: break
        }
    }
}

/// The IP address at the other end of a connection, or nil when it is gone.
private func peerAddress(of descriptor: CInt) -> String? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            guard getpeername(descriptor, address, &length) == 0 else { return nil }
            return numericHost(address, length)
        }
    }
}
