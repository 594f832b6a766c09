import Foundation
import Synchronization
import Wire
import ZeroMQ

/// Listens to what happens to the connections of server sockets, and cuts off strangers of whom there are too many.
///
/// It has a thread of its own, because libzmq waits for whoever does not listen.
final class ConnectionWatch: Sendable {
    private final class Register: Sendable {
        let strangers: Mutex<Strangers>

        init(_ limits: Strangers.Limits) { strangers = Mutex(Strangers(limits)) }
    }

    private let register: Register
    private let quit: Mailbox<Void>
    private let ended = DispatchSemaphore(value: 0)
    /// Between two looks at what strangers have sent, while there are any.
    private static let pause = Duration.milliseconds(10)

    /// - Parameter turnedAway: called on the watch's thread.
    init(
        _ monitors: [Handover<SocketMonitor>], limits: Strangers.Limits,
        turnedAway: @escaping @Sendable (TurnedAway.Reason, _ address: String) -> Void
    ) throws(ZeroMQError) {
        register = Register(limits)
        quit = try Mailbox()
        let (register, quit, ended) = (register, quit, ended)
        let thread = Thread {
            Self.listen(monitors, register, until: quit, turnedAway: turnedAway)
            ended.signal()
        }
        thread.name = "connection watch"
        thread.start()
    }

    deinit {
        quit.put(())
        ended.wait()
    }

    /// Somebody known has spoken on a connection.
    ///
    /// - Parameter key: that the connection was let in with; nil where there are none.
    func vouch(for descriptor: CInt, as speaker: Strangers.Speaker, key: String?) {
        register.strangers.withLock { $0.vouch(for: descriptor, as: speaker, key: key) }
    }

    /// Workers that have spoken with a key that is none of these, and that key.
    func workers(without keys: Set<String>) -> [WorkerID: String] {
        register.strangers.withLock { $0.workers(without: keys) }
    }

    /// Cuts off all but those who have spoken with one of these keys.
    func keep(keys: Set<String>) {
        for surplus in register.strangers.withLock({ $0.keep(keys: keys) }) { Self.cut(surplus) }
    }

    /// A worker has left.
    func forget(_ id: WorkerID) { register.strangers.withLock { $0.forget(id) } }

    private static func listen(
        _ monitors: [Handover<SocketMonitor>], _ register: Register, until quit: Mailbox<Void>,
        turnedAway: (TurnedAway.Reason, String) -> Void
    ) {
        var lines = monitors.compactMap { $0.take() }.map { (monitor: $0, ledger: ConnectionLedger()) }
        while quit.takeAll().isEmpty {
            let timeout = register.strangers.withLock { $0.isEmpty } ? Duration.seconds(60) : pause
            // What can fail here is a wait that a signal interrupts, and the next turn makes up for it.
            _ = try? poll([Interest(quit)] + lines.map(\.monitor.interest), timeout: timeout)
            for index in lines.indices {
                for _ in 0..<64 {
                    guard let event = try? lines[index].monitor.next() else { break }
                    if case .accepted(let descriptor) = event, let endpoint = PeerEndpoint(of: descriptor) {
                        register.strangers.withLock { $0.accepted(descriptor, from: endpoint) }
                    }
                    var failing = lines[index].ledger.heard(event)
                    if case .disconnected(let descriptor) = event,
                        let cut = register.strangers.withLock({ $0.ended(descriptor) })
                    {
                        failing = (cut.reason, cut.endpoint.host)
                    }
                    if let failing { turnedAway(failing.reason, failing.address) }
                }
            }
            for surplus in register.strangers.withLock({ $0.surplus(received: bytesReceived) }) { cut(surplus) }
        }
    }

    /// Has libzmq find the connection ended, and close it.
    private static func cut(_ surplus: Strangers.Surplus) {
        // The descriptor may be another connection's by now.
        guard PeerEndpoint(of: surplus.descriptor) == surplus.endpoint else { return }
        shutdown(surplus.descriptor, Int32(SHUT_RDWR))
    }
}

/// The connections of one server socket, by file descriptor.
struct ConnectionLedger {
    private var addresses: [CInt: String] = [:]
    private var failing: TurnedAway.Reason?

    /// - Returns: who was turned away, and why.
    mutating func heard(_ event: SocketEvent) -> (reason: TurnedAway.Reason, address: String)? {
        switch event {
        case .accepted(let descriptor): addresses[descriptor] = PeerEndpoint(of: descriptor)?.host
        // The end of the connection that failed comes right behind its failure.
        case .greetingBroken: failing = .broken
        case .greetingMismatched: failing = .mismatched
        case .disconnected(let descriptor):
            let address = addresses.removeValue(forKey: descriptor)
            defer { failing = nil }
            return failing.map { ($0, address ?? "somebody") }
        case .connected, .retrying, .greeted, .unwelcome, .acceptFailed: break
        }
        return nil
    }
}
