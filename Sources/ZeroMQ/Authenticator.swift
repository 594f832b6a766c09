import CZeroMQ
import Foundation
import Synchronization

/// Says who may connect to the CURVE servers of a context: ZeroMQ's authentication protocol (rfc.zeromq.org/spec/27).
///
/// It answers on a thread of its own for as long as it lives, so that no handshake waits for whoever is busy. Make it
/// before a server binds.
package final class Authenticator: Sendable {
    /// Somebody who was not let in.
    package struct Rejection: Equatable, Sendable {
        /// The IP address.
        package let address: String
        /// The public key in Z85; nil when there was none to be read.
        package let key: String?
    }

    /// The property under which a message carries its sender's key.
    static let keyProperty = "X-Key"

    private let names: List
    private let quit: Mailbox<Void>
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - names: of each admitted public key (Z85) the name that its messages will carry as ``Frame/userID``.
    ///   - rejected: called on the authenticator's thread; must not wait.
    package init(
        in context: Context, admitting names: [String: String], rejected: @escaping @Sendable (Rejection) -> Void
    ) throws(ZeroMQError) {
        try requireCurve()
        let socket = try Socket(.reply, in: context)
        try socket.bind("inproc://zeromq.zap.01")
        let handover = Handover(Desk(socket))
        self.names = List(names)
        quit = try Mailbox()
        let (list, quit, ended) = (self.names, quit, ended)
        let thread = Thread {
            Self.answer(at: handover, until: quit) { request in
                let name = request.key.flatMap { key in list.names.withLock { $0[key] } }
                if name == nil { rejected(Rejection(address: request.address, key: request.key)) }
                return name
            }
            ended.signal()
        }
        thread.name = "authenticator"
        thread.start()
    }

    deinit {
        quit.put(())
        ended.wait()
    }

    /// Replaces the list for whoever connects from now on; connections that are there stay.
    package func admit(_ names: [String: String]) { self.names.names.withLock { $0 = names } }

    private final class Desk {
        let socket: Socket

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    private final class List: Sendable {
        let names: Mutex<[String: String]>

        init(_ names: [String: String]) { self.names = Mutex(names) }
    }

    /// Answers every request until it is asked to stop, and closes the socket.
    private static func answer(
        at handover: Handover<Desk>, until quit: Mailbox<Void>, name: (AuthenticationRequest) -> String?
    ) {
        guard let desk = handover.take() else { return }
        while quit.takeAll().isEmpty {
            // What can fail here is a wait that a signal interrupts, and the next turn makes up for it.
            _ = try? poll([Interest(quit), Interest(desk.socket)], timeout: .seconds(60))
            do throws(ZeroMQError) {
                while let frames = try desk.socket.receive(maximumFrames: 16) {
                    try desk.socket.send(AuthenticationRequest(frames).reply(name: name))
                }
            } catch .tooManyFrames {
                try? desk.socket.send(AuthenticationRequest([]).reply(name: name))
            } catch {}
        }
    }
}
