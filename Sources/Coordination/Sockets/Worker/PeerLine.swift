import Wire
import ZeroMQ

/// This worker's way to another's port.
final class PeerLine {
    let socket: Socket
    let stamp: Stamp
    var outflow: Outflow
    var hasAnswered = false
    private var asksAt = Duration.zero
    private var pause = Duration.milliseconds(25)
    var owedCredit = 0
    /// When it is given up and made anew, if it has not answered by then.
    var again: Duration?
    let patience: Duration

    init(
        to peer: PeerAddress, at address: String, stamp: Stamp, chunkBytes: Int, credit: Int, isPacking: Bool,
        through door: PeerDoor?, patience: Duration, in context: Context
    ) throws {
        socket = try Socket(.dealer, in: context)
        try setManners(of: socket, limit: chunkBytes + 1024, highWaterMark: 4 * credit + 64)
        if let door, let key = peer.key { try door.secure(socket, towards: key) }
        try socket.connect(address)
        self.stamp = stamp
        self.patience = patience
        outflow = Outflow(chunkBytes: chunkBytes, creditChunks: credit, isPacking: isPacking)
    }

    /// Whether the other end is to be asked, which may not know this worker yet: soon again, and then ever less often.
    func asks(at now: Duration) -> Bool {
        guard !hasAnswered, now >= asksAt else { return false }
        asksAt = now + pause
        pause = min(pause * 2, .milliseconds(500))
        return true
    }
}
