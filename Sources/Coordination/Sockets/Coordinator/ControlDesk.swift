import Wire
import ZeroMQ

/// The coordinator's control socket: tells apart what comes, turns away who may not speak, and says what is to be said.
final class ControlDesk {
    /// What a message amounted to.
    enum Arrival {
        case nothing
        case message(WorkerMessage, from: Peer, stamp: Stamp)
        /// Somebody asks before it joins.
        case inquiry(Inquiry, from: Peer)
        /// Somebody who may steers the run.
        case operation(OperationRequest, from: Peer)
        /// A worker's key is not, or no more, one that may be this worker.
        case revoked(WorkerID, Refusal)
        /// Somebody speaks another version, and was told so.
        case refused(Refusal)
    }

    let socket: Socket
    /// Where it is bound, with the port that the system chose.
    let address: Address
    private(set) var dropped = Coordinator.Dropped()
    private let gate: Gate

    init(_ address: Address, behind gate: Gate, in context: Context) throws {
        self.gate = gate
        socket = try Socket(.router, in: context)
        try setManners(of: socket, limit: Control.workerLimit + 1024, highWaterMark: 16)
        // Answers are small, and one for each of many questions must not be lost.
        try socket.set(.sendHighWaterMark, to: 1_000)
        try socket.set(.routerMandatory, to: true)
        try gate.secure(socket, at: address)
        try socket.bind("\(address)")
        self.address = try Address(socket.endpoint)
    }

    // MARK: - Out

    /// Says it if somebody is there to hear it.
    func post(_ message: CoordinatorMessage, to peer: Peer, stamp: Stamp) {
        try? socket.send([Frame(peer.routingID)] + letter(message, stamp: stamp))
    }

    func answer(_ answers: [OperatorDesk.Answer]) {
        for (peer, reply) in answers {
            try? socket.send([Frame(peer.routingID)] + letter(reply, kind: .operation, stamp: .stranger))
        }
    }

    // MARK: - In

    /// Reads one message; nil when there is none.
    func receive(_ membership: Membership) throws -> Arrival? {
        do {
            guard let frames = try socket.receive(maximumFrames: 3) else { return nil }
            let peer = Peer(frames[0].bytes)
            do {
                let (header, payload) = try openHeader(frames.dropFirst())
                switch header.kind {
                case .operation: return try operation(header, payload, from: peer)
                case .control: return try message(header, payload, from: peer, membership)
                default: throw WireError.unknownKind(header.kind.rawValue)
                }
            } catch WireError.protocolVersion(let theirs, let ours) {
                dropped.malformed += 1
                return refuse(peer, version: theirs, ours: ours)
            }
        } catch WireError.payloadChecksum, WireError.headerChecksum {
            dropped.corrupt += 1
        } catch is WireError {
            dropped.malformed += 1
        } catch ZeroMQError.tooManyFrames {
            dropped.malformed += 1
        }
        return .nothing
    }

    private func message(
        _ header: Header, _ payload: Frame, from peer: Peer, _ membership: Membership
    ) throws -> Arrival {
        let message = try open(WorkerMessage.self, header, payload, limit: Control.workerLimit)
        let member = membership.member(at: peer, with: header.stamp)
        var name = member.flatMap { membership[$0]?.name }
        var peer = peer
        if case .join(let application) = message {
            name = application.name
            peer.address = gate.origin(of: payload)
        }
        if let refusal = gate.refusal(of: payload, as: name) {
            dropped.foreign += 1
            if let member { return .revoked(member, refusal) }
            post(.refused(refusal), to: peer, stamp: .stranger)
            return .nothing
        }
        if let member { gate.vouch(for: payload, as: .worker(member)) }
        if case .inquire(let inquiry) = message { return .inquiry(inquiry, from: peer) }
        return .message(message, from: peer, stamp: header.stamp)
    }

    private func operation(_ header: Header, _ payload: Frame, from peer: Peer) throws -> Arrival {
        let request = try open(OperationRequest.self, header, payload, limit: OperationRequest.limit)
        if gate.bearer(of: payload)?.isOperator ?? false {
            gate.vouch(for: payload, as: .anOperator)
            return .operation(request, from: peer)
        }
        let sentence =
            "this key is not an operator's: add the word 'operator' to its line in the coordinator's authorized_keys"
        answer([(peer, OperationReply(number: request.number, isLast: true, isDone: false, sentence: sentence))])
        return .nothing
    }

    /// Somebody who speaks another version may still understand this.
    private func refuse(_ peer: Peer, version: UInt16, ours: UInt16) -> Arrival {
        let refusal = Refusal(
            field: "protocol version", yours: "\(version)", mine: "\(ours)", fix: "install the same Danlu on both")
        post(.refused(refusal), to: peer, stamp: .stranger)
        return .refused(refusal)
    }
}
