import Wire
import ZeroMQ

/// Who may come in at a worker's data port, and who this worker is at the others'.
///
/// The keys are as old as the process and as short-lived: their public half goes to the coordinator over a connection
/// that is authenticated already, and from there to the others. So whoever shares a key file with other boxes still has
/// a key of its own here, and a stolen key file opens no data port by itself.
final class PeerDoor {
    /// How long whoever was turned away may turn out to be somebody of whom the coordinator has not said yet.
    private static let grace = Duration.seconds(2)
    /// Of those, how many are remembered.
    private static let mostRemembered = 64

    private let keys: KeyPair
    private let authenticator: Authenticator
    private let rejections: Mailbox<Authenticator.Rejection>
    private var vouched: Set<String> = []
    private var unsaid: [(rejection: Authenticator.Rejection, at: Duration)] = []
    private var turnedAway = TurnedAway()

    /// Nobody may come in yet.
    init(in context: Context) throws {
        keys = try KeyPair.random()
        let rejections = try Mailbox<Authenticator.Rejection>()
        self.rejections = rejections
        authenticator = try Authenticator(in: context, admitting: [:]) { rejections.put($0) }
    }

    /// What the coordinator is to pass on, in Z85.
    var publicKey: String { keys.publicKey }

    /// Call it before `socket` binds.
    func secure(_ socket: borrowing Socket) throws(ZeroMQError) { try socket.serve(with: keys) }

    /// Has `socket`, before it connects, prove this worker's key, and ask a port to prove `serverKey`.
    func secure(_ socket: borrowing Socket, towards serverKey: String) throws(ZeroMQError) {
        try socket.identify(with: keys, to: serverKey)
    }

    /// From now on these may come in, and nobody else.
    func admit(_ peers: some Sequence<PeerAddress>) {
        let names = peers.compactMap { peer in peer.key.map { ($0, "\(WorkerID(peer.worker))") } }
        vouched = Set(names.map(\.0))
        authenticator.admit(Dictionary(names, uniquingKeysWith: { first, _ in first }))
    }

    /// Whether a message came from `peer`; a connection outlives its being on the list.
    func isSender(_ peer: PeerAddress, of frame: Frame) -> Bool { peer.key != nil && frame.userKey == peer.key }

    /// What is to be said of those who were turned away.
    func takeSentences(at now: Duration) -> [String] {
        for rejection in rejections.takeAll() where unsaid.count < Self.mostRemembered {
            unsaid.append((rejection, now))
        }
        for (rejection, at) in unsaid where now - at >= Self.grace {
            guard rejection.key.map({ !vouched.contains($0) }) ?? true else { continue }
            turnedAway.add(.noPeer(rejection.key), from: rejection.address)
        }
        unsaid.removeAll { now - $0.at >= Self.grace }
        return turnedAway.takeSentences(at: now, isProtected: true).map { "the data port has \($0)" }
    }
}
