import Coordination
import Foundation
import Wire
import ZeroMQ

/// A worker that a test speaks for, word by word: for what a well-behaved one never does.
final class HandmadeWorker {
    struct Unexpected: Error {
        let message: String
    }

    let control: Socket
    let context: Context
    let address: Address
    private let key: KeyFile?
    private(set) var stamp = Stamp.stranger

    init(at address: Address, key: KeyFile? = nil) throws {
        self.address = address
        self.key = key
        context = try Context()
        control = try Socket(.dealer, in: context)
        try key?.secure(control)
        try control.set(.ipv6, to: true)
        try control.connect("\(address)")
    }

    func say(_ message: WorkerMessage) throws {
        try control.send(Self.frames(message, stamp: stamp))
    }

    /// The next control message, waiting for at most two seconds.
    func hear() throws -> CoordinatorMessage {
        _ = try poll([Interest(control)], timeout: .seconds(2))
        guard let frames = try control.receive(maximumFrames: 2) else { throw Unexpected(message: "silence") }
        let header = try frames[0].withUnsafeBytes { bytes in try Header.parse(bytes) }
        let message = try frames[1].withUnsafeBytes { bytes in
            try Control.decode(CoordinatorMessage.self, from: bytes)
        }
        if case .welcome = message { stamp = header.stamp }
        return message
    }

    /// Joins, opens bulk, gets the weights, and waits for a lease.
    func join(_ name: String) throws -> (lease: Lease, bulk: HandmadeBulk) {
        try say(.join(LoopbackCluster.application(name)))
        guard case .welcome(let welcome) = try hear() else { throw Unexpected(message: "no welcome") }
        let bulk = try HandmadeBulk(Address(host: address.host, port: welcome.bulkPort), stamp, context, key: key)
        var status = Status()
        status.shape = Status.Shape(parameterCount: StraightLine.parameterCount, tableHash: StraightLine.hash)
        let deadline = Date(timeIntervalSinceNow: 5)
        while Date() < deadline {
            status.number += 1
            try say(.ping(status))
            if case .lease(let lease) = try hear() { return (lease, bulk) }
        }
        throw Unexpected(message: "no lease")
    }

    static func frames(_ message: WorkerMessage, stamp: Stamp) throws -> [Frame] {
        let payload = try Control.encode(message)
        let header = payload.withUnsafeBytes { Header(.control, stamp).describing($0) }
        return try [Frame(header.bytes), Frame(payload)]
    }
}

/// Its bulk connection.
final class HandmadeBulk {
    let socket: Socket
    let stamp: Stamp

    init(_ address: Address, _ stamp: Stamp, _ context: Context, key: KeyFile? = nil) throws {
        self.stamp = stamp
        socket = try Socket(.dealer, in: context)
        try key?.secure(socket)
        try socket.connect("\(address)")
        try send(Header(.hello, stamp), [])
    }

    func send(_ header: Header, _ payload: [UInt8]) throws {
        let header = payload.withUnsafeBytes { header.describing($0) }
        try socket.send([Frame(header.bytes), Frame(payload)])
    }

    /// One chunk of a gradient of nonsense.
    func sendChunk(_ chunk: UInt32, of lease: Lease, bytes: Int = 1024) throws {
        try sendChunk(chunk, of: lease, .float32, [UInt8](repeating: 7, count: bytes))
    }

    func sendChunk(
        _ chunk: UInt32, of lease: Lease, _ format: Header.NumberFormat, _ payload: [UInt8]
    ) throws {
        var header = Header(.gradient, stamp)
        header.numberFormat = format
        header.round = lease.round
        header.step = UInt64(lease.step)
        header.slots = UInt32(lease.first)..<UInt32(lease.end)
        header.chunk = chunk
        header.chunkCount = 4
        try send(header, payload)
    }
}
