import Foundation
import Wire
import ZeroMQ

/// A worker's two connections to its coordinator, and what there is to say while one does not come about.
final class CoordinatorLines {
    /// A socket that can be let go of and replaced.
    final class Line {
        let socket: Socket
        fileprivate let monitor: SocketMonitor
        fileprivate let address: Address

        fileprivate init(_ kind: SocketKind, to address: Address, in context: Context) throws(ZeroMQError) {
            self.address = address
            socket = try Socket(kind, in: context)
            monitor = try SocketMonitor(of: socket, in: context)
        }
    }

    private(set) var control: Line?
    private(set) var bulk: Line?
    private let address: Address
    private let key: KeyFile?
    private let context: Context
    /// By port: control's and bulk's.
    private var approaches: [UInt16: Approach] = [:]
    private let findings: Mailbox<(UInt16, Reach)>

    init(to address: Address, key: KeyFile?, in context: Context) throws {
        self.address = address
        self.key = key
        self.context = context
        findings = try Mailbox()
    }

    var interests: [Interest] {
        let open = [control, bulk].compactMap(\.self)
        return [Interest(findings)] + open.flatMap { [Interest($0.socket), $0.monitor.interest] }
    }

    /// Lets go of both connections, and opens control anew.
    func openControl() throws {
        control = nil
        bulk = nil
        let line = try Line(.dealer, to: address, in: context)
        try setManners(of: line.socket, limit: Control.coordinatorLimit + 1024, highWaterMark: 1_000)
        try connect(line)
        control = line
    }

    /// Opens the bulk connection and says hello on it.
    func openBulk(port: UInt16, chunkBytes: Int, creditChunks: Int, stamp: Stamp) throws {
        let line = try Line(.dealer, to: Address(host: address.host, port: port), in: context)
        try setManners(of: line.socket, limit: chunkBytes + 1024, highWaterMark: 4 * creditChunks + 64)
        try connect(line)
        try line.socket.send(postcard(Header(.hello, stamp)))
        bulk = line
    }

    /// Says something to the coordinator if there is a way; what is lost is said again by whoever decides.
    func say(_ message: WorkerMessage, stamp: Stamp) {
        try? control?.socket.send(letter(message, stamp: stamp))
    }

    private func connect(_ line: Line) throws(ZeroMQError) {
        if let key { try key.secure(line.socket) }
        try allowIPv6(line.socket, towards: line.address)
        let port = line.address.port
        if approaches[port] == nil {
            approaches = approaches.filter { $0.key == address.port }
            approaches[port] = Approach(to: line.address, keyName: key?.name)
        }
        try line.socket.connect("\(line.address)")
    }

    /// Which hop to the coordinator fails, if one does, in sentences.
    func complaints(at now: Duration) throws -> [String] {
        var sentences: [String?] = findings.takeAll().map { port, reach in
            follow(approaches[port]?.reached(reach, at: now), port)
        }
        for line in [control, bulk].compactMap(\.self) {
            while let event = try line.monitor.next() {
                sentences.append(follow(approaches[line.address.port]?.heard(event, at: now), line.address.port))
            }
        }
        return sentences.compactMap(\.self)
    }

    private func follow(_ step: Approach.Step?, _ port: UInt16) -> String? {
        switch step {
        case .nothing, nil: break
        case .say(let sentence): return sentence + "; trying again"
        case .look:
            let (address, findings) = (Address(host: address.host, port: port), findings)
            Thread.detachNewThread { findings.put((port, Reach.of(address))) }
        }
        return nil
    }
}
