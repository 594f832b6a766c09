import Foundation
import Synchronization
import Wire
package import ZeroMQ

/// A coordinator's door: encrypts its sockets, knows who may come in, and keeps count of who was turned away.
final class Gate {
    /// Whose key a message came with.
    struct Bearer {
        /// The name of the key on the list.
        let name: String
        let isOperator: Bool
    }

    private let identity: CoordinatorIdentity?
    private let context: Context
    private let authenticator: Authenticator?
    private var watch: ConnectionWatch?
    private var monitors: [Handover<SocketMonitor>] = []
    private var list = AllowList()
    private var file: FileState?
    private var lookedAt = Duration.seconds(-1)
    private var dismissed: [(WorkerID, Refusal)] = []
    /// When keys were last taken off the list, and which were left, until the connections of all others are cut.
    private var revoked: (since: Duration, left: Set<String>)?
    private let turnedAway: Doorbook
    /// Between word to a worker that its key is gone and the end of its connections.
    private static let lastWords = Duration.milliseconds(50)

    /// - Parameter identity: nil lets everybody in, unencrypted.
    init(_ identity: CoordinatorIdentity?, in context: Context) throws {
        self.identity = identity
        self.context = context
        let book = Doorbook()
        turnedAway = book
        if let identity {
            file = FileState(identity.allowList)
            list = try AllowList(contentsOf: identity.allowList)
            authenticator = try Authenticator(in: context, admitting: list.names) { rejection in
                book.add(.unknownKey(rejection.key), from: rejection.address)
            }
        } else {
            authenticator = nil
        }
    }

    /// Call it before `socket` binds.
    func secure(_ socket: borrowing Socket, at address: Address) throws {
        if let identity { try socket.serve(with: identity.keys) }
        try allowIPv6(socket, towards: address)
        monitors.append(Handover(try SocketMonitor(of: socket, in: context)))
    }

    /// Begins to listen to the sockets that have been secured.
    func open() throws {
        let book = turnedAway
        let limits = Strangers.Limits(count: OpenFiles.roomForStrangers)
        watch = try ConnectionWatch(monitors, limits: limits) { book.add($0, from: $1) }
        monitors = []
    }

    /// How many were turned away so far.
    var turnedAwayCount: Int { turnedAway.count }

    /// The sender of a message is known: its connection is not cut off when strangers crowd in.
    ///
    /// Without keys anybody may be an operator, which makes nobody known.
    func vouch(for frame: Frame, as speaker: Strangers.Speaker) {
        guard speaker != .anOperator || identity != nil else { return }
        if let descriptor = frame.descriptor { watch?.vouch(for: descriptor, as: speaker, key: frame.userKey) }
    }

    /// A worker has left; its connections are as any stranger's.
    func forget(_ id: WorkerID) { watch?.forget(id) }

    /// Where a message came from: IP address and port.
    func origin(of frame: Frame) -> String? {
        frame.descriptor.flatMap { PeerEndpoint(of: $0) }.map { "\($0)" } ?? frame.peerAddress
    }

    /// Whose key a message came with; nil when it is on the list no more.
    ///
    /// Without keys everybody may be anybody, and an operator too.
    func bearer(of frame: Frame) -> Bearer? {
        guard identity != nil else { return Bearer(name: "", isOperator: true) }
        guard let key = frame.userKey, let entry = list.entries[key], entry.name == frame.userID else { return nil }
        return Bearer(name: entry.name, isOperator: entry.isOperator)
    }

    /// Why the sender of a message may not speak, or not as this worker; nil when it may.
    ///
    /// - Parameter worker: nil when the message names none.
    func refusal(of frame: Frame, as worker: String?) -> Refusal? {
        guard identity != nil else { return nil }
        let address = frame.peerAddress ?? "somebody"
        guard let bearer = bearer(of: frame) else {
            turnedAway.add(.unknownKey(frame.userKey), from: address)
            return Self.revocation(of: frame.userID)
        }
        guard let worker, !KeyName.covers(bearer.name, worker: worker) else { return nil }
        turnedAway.add(.foreign(key: bearer.name, worker: String(worker.prefix(64))), from: address)
        return Refusal(
            field: "worker name", yours: "'\(worker.prefix(64))'", mine: "'\(bearer.name)' by its key",
            fix: "call it '\(bearer.name)' or '\(bearer.name)/…', or use another key")
    }

    private static func revocation(of name: String?) -> Refusal {
        Refusal(
            field: "key", yours: name.map { "that of '\($0)'" } ?? "unknown",
            mine: "not on the list of authorized keys", fix: "ask whoever runs the coordinator for a new key file")
    }

    /// Workers whose keys have been taken off the list since the last call, and what to tell them.
    ///
    /// Whatever connections came with such keys are cut a moment later, also those on which nobody has spoken yet.
    func takeRevoked() -> [(WorkerID, Refusal)] {
        defer { dismissed = [] }
        return dismissed
    }

    /// Looks whether the list has changed, and what is to be said.
    ///
    /// A list that cannot be read leaves the last good one in force.
    func tick(at now: Duration) -> [String] {
        var sentences: [String] = []
        if let (since, left) = revoked, now - since >= Self.lastWords {
            revoked = nil
            watch?.keep(keys: left)
        }
        if let identity, now - lookedAt >= .milliseconds(500) {
            lookedAt = now
            let state = FileState(identity.allowList)
            if state != file {
                file = state
                sentences.append(reload(identity.allowList, at: now))
            }
        }
        return sentences + turnedAway.takeSentences(at: now, isProtected: identity != nil)
    }

    private func reload(_ path: String, at now: Duration) -> String {
        do throws(KeyError) {
            let before = list.entries
            list = try AllowList(contentsOf: path)
            authenticator?.admit(list.names)
            revoke(since: before, at: now)
            return "the list of authorized keys was read anew: \(list.entries.count) keys"
        } catch {
            return "\(error); the list stays as it was"
        }
    }

    private func revoke(since before: [String: AllowList.Entry], at now: Duration) {
        let lost = before.filter { list.entries[$0.key]?.name != $0.value.name }
        guard !lost.isEmpty else { return }
        let left = Set(list.entries.keys).subtracting(lost.keys)
        revoked = (now, left)
        let workers = (watch?.workers(without: left) ?? [:]).sorted { $0.key < $1.key }
        dismissed += workers.map { ($0.key, Self.revocation(of: before[$0.value]?.name)) }
    }
}

/// Who a coordinator is, and whom it lets in.
package struct CoordinatorIdentity: Sendable {
    package var keys: KeyPair
    /// The path of an ``AllowList``.
    package var allowList: String

    package init(keys: KeyPair, allowList: String) {
        self.keys = keys
        self.allowList = allowList
    }

    /// The coordinator's of a folder of keys.
    package init(_ folder: KeysFolder) throws {
        self.init(keys: try KeyFile(contentsOf: folder.coordinatorKey).keys, allowList: folder.allowList)
    }
}

/// Tells one state of a file from the next.
private struct FileState: Equatable {
    private let node: ino_t
    private let size: off_t
    private let seconds: Int
    private let nanoseconds: Int
    private let mode: mode_t

    init?(_ path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        (node, size, mode) = (facts.st_ino, facts.st_size, facts.st_mode)
        (seconds, nanoseconds) = (facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec)
    }
}

/// Who was turned away, as several threads write it down.
private final class Doorbook: Sendable {
    private let entries = Mutex(TurnedAway())

    var count: Int { entries.withLock { $0.count } }

    func add(_ reason: TurnedAway.Reason, from address: String) { entries.withLock { $0.add(reason, from: address) } }

    func takeSentences(at now: Duration, isProtected: Bool) -> [String] {
        entries.withLock { $0.takeSentences(at: now, isProtected: isProtected) }
    }
}
