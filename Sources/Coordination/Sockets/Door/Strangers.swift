import Wire

/// The connections of a coordinator, and which of those on which nobody known has spoken have to go.
///
/// Whoever has not joined costs a file descriptor, and memory for what it has sent of a message that is not whole. Told
/// what happens to connections, by file descriptor, it says whom to cut off.
struct Strangers {
    struct Limits {
        /// Connections on which nobody known has spoken; beyond that the oldest goes.
        var count = 256
        /// Bytes that one of them may send.
        var bytes: UInt64 = 4 << 20
        /// Bytes that all of them may send; beyond that goes who has sent most.
        var allBytes: UInt64 = 64 << 20
    }

    /// Who makes a connection a known one.
    enum Speaker: Hashable {
        case worker(WorkerID)
        case anOperator
    }

    /// A connection that has to go, and why.
    struct Surplus: Equatable {
        let descriptor: CInt
        let endpoint: PeerEndpoint
        let reason: TurnedAway.Reason
    }

    private struct Connection {
        let endpoint: PeerEndpoint
        /// Grows from one stranger to the next.
        var age: UInt64
        var speaker: Speaker?
        /// That of who has spoken on it, where there are keys; a connection has one all its life.
        var key: String?
        /// What had come in when it became a stranger; nil until that is known.
        var bytesBefore: UInt64?
        var cutFor: TurnedAway.Reason?

        var isStranger: Bool { speaker == nil && cutFor == nil }
    }

    private let limits: Limits
    private var connections: [CInt: Connection] = [:]
    private var lastAge: UInt64 = 0

    init(_ limits: Limits) {
        self.limits = limits
    }

    var isEmpty: Bool { !connections.values.contains { $0.isStranger } }

    mutating func accepted(_ descriptor: CInt, from endpoint: PeerEndpoint) {
        lastAge += 1
        connections[descriptor] = Connection(endpoint: endpoint, age: lastAge, bytesBefore: 0)
    }

    /// - Returns: why it had to go; nil when it was not cut off.
    mutating func ended(_ descriptor: CInt) -> Surplus? {
        guard let gone = connections.removeValue(forKey: descriptor), let reason = gone.cutFor else { return nil }
        return Surplus(descriptor: descriptor, endpoint: gone.endpoint, reason: reason)
    }

    /// Somebody known has spoken on a connection.
    mutating func vouch(for descriptor: CInt, as speaker: Speaker, key: String?) {
        connections[descriptor]?.speaker = speaker
        connections[descriptor]?.key = key
    }

    /// A worker has left, and its connections are a stranger's again.
    mutating func forget(_ id: WorkerID) {
        for (descriptor, connection) in connections where connection.speaker == .worker(id) {
            lastAge += 1
            connections[descriptor] = Connection(endpoint: connection.endpoint, age: lastAge, key: connection.key)
        }
    }

    /// Keys are gone: all connections have to go but those of whoever has spoken with one that is left.
    ///
    /// Who has not spoken yet may have come with a key that is gone, and comes again with one that is not.
    mutating func keep(keys: Set<String>) -> [Surplus] {
        var surplus: [Surplus] = []
        for (descriptor, connection) in connections where connection.cutFor == nil {
            guard !(connection.key.map(keys.contains) ?? false) else { continue }
            let reason = connection.key.map { TurnedAway.Reason.unknownKey($0) }
            connections[descriptor]?.cutFor = reason
            surplus.append(Surplus(descriptor: descriptor, endpoint: connection.endpoint, reason: reason ?? .broken))
        }
        return surplus.sorted { $0.descriptor < $1.descriptor }
    }

    /// Workers that have spoken with a key that is none of these, and that key.
    func workers(without keys: Set<String>) -> [WorkerID: String] {
        var workers: [WorkerID: String] = [:]
        for connection in connections.values {
            guard case .worker(let id) = connection.speaker, let key = connection.key else { continue }
            if !keys.contains(key) { workers[id] = key }
        }
        return workers
    }

    /// Those that have to go; each is said once.
    ///
    /// - Parameter received: bytes that have come in on a connection, as far as that is known.
    mutating func surplus(received: (CInt) -> UInt64?) -> [Surplus] {
        var strangers: [(descriptor: CInt, age: UInt64, bytes: UInt64)] = []
        for (descriptor, connection) in connections where connection.isStranger {
            let all = received(descriptor) ?? 0
            let before = connection.bytesBefore ?? all
            connections[descriptor]?.bytesBefore = before
            strangers.append((descriptor, connection.age, all >= before ? all - before : 0))
        }
        var surplus: [Surplus] = []
        func cut(_ descriptor: CInt, for reason: TurnedAway.Reason) {
            guard let endpoint = connections[descriptor]?.endpoint else { return }
            connections[descriptor]?.cutFor = reason
            surplus.append(Surplus(descriptor: descriptor, endpoint: endpoint, reason: reason))
        }
        strangers.sort { $0.bytes < $1.bytes }
        var sum = strangers.reduce(0) { $0 + $1.bytes }
        while let loudest = strangers.last, loudest.bytes > limits.bytes || sum > limits.allBytes {
            cut(loudest.descriptor, for: .chatter)
            sum -= loudest.bytes
            strangers.removeLast()
        }
        strangers.sort { $0.age < $1.age }
        for stranger in strangers.dropLast(limits.count) { cut(stranger.descriptor, for: .crowd) }
        return surplus
    }
}
