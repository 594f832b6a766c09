import Foundation
package import Wire
import ZeroMQ

/// An operator's connection to a coordinator, for one question.
package struct OperatorLine {
    /// Why there is no answer, in one sentence.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case silence(Address, Duration, hasKey: Bool)
        case unfinished(String, Duration)
        case refused(Refusal)

        package var description: String {
            switch self {
            case .silence(let address, let patience, let hasKey):
                "nobody answers at \(address) within \(Int(patience.inSeconds)) s: is the coordinator running, is this "
                    + "its address, and "
                    + (hasKey
                        ? "does it know this key as an operator's?"
                        : "does it ask for an operator's key (--key FILE; where the run's folder is named instead of an "
                            + "address, it is found)?")
            case .unfinished(let sentence, let limit):
                "\(sentence), which has not come to pass within \(Int(limit.inSeconds)) s and still will"
            case .refused(let refusal): "\(refusal)"
            }
        }
    }

    private let address: Address
    private let key: KeyFile?
    /// For a first answer.
    private let patience: Duration

    /// - Parameter key: the operator's, where the coordinator asks for one.
    package init(to address: Address, key: KeyFile? = nil, patience: Duration = .seconds(5)) {
        self.address = address
        self.key = key
        self.patience = patience
    }

    /// Asks, and waits until it is done or refused.
    ///
    /// - Parameters:
    ///   - limit: for the last answer.
    ///   - observe: told what is waited for.
    /// - Throws: ``Failure``, ``ZeroMQError``.
    package func ask(
        _ operation: RunOperation, limit: Duration = .seconds(600), observe: (String) -> Void = { _ in }
    ) throws -> OperationReply {
        let context = try Context()
        let socket = try Socket(.dealer, in: context)
        try setManners(of: socket, limit: Control.coordinatorLimit + 1024, highWaterMark: 100)
        try key?.secure(socket)
        try allowIPv6(socket, towards: address)
        try socket.connect("\(address)")
        let request = OperationRequest(number: .random(in: .min ... .max), operation: operation)
        try socket.send(letter(request, kind: .operation, stamp: .stranger))
        let clock = ContinuousClock()
        let start = clock.now
        var interim: String?
        while true {
            let left = (interim == nil ? patience : limit) - (clock.now - start)
            guard left > .zero else {
                throw interim.map { Failure.unfinished($0, limit) }
                    ?? Failure.silence(address, patience, hasKey: key != nil)
            }
            _ = try poll([Interest(socket)], timeout: min(left, .milliseconds(500)))
            while let reply = try receive(from: socket, number: request.number) {
                if reply.isLast { return reply }
                interim = reply.sentence
                observe(reply.sentence)
            }
        }
    }

    /// The next answer to `number`; what else comes is passed over.
    private func receive(from socket: borrowing Socket, number: UInt64) throws -> OperationReply? {
        do {
            while let frames = try socket.receive(maximumFrames: 2) {
                do {
                    let (header, payload) = try openHeader(frames[...])
                    if header.kind == .control,
                        case .refused(let refusal) = try open(
                            CoordinatorMessage.self, header, payload, limit: Control.coordinatorLimit)
                    {
                        throw Failure.refused(refusal)
                    }
                    guard header.kind == .operation else { continue }
                    let reply = try open(OperationReply.self, header, payload, limit: Control.coordinatorLimit)
                    if reply.number == number { return reply }
                } catch WireError.protocolVersion(let theirs, let ours) {
                    throw Failure.refused(
                        Refusal(
                            field: "protocol version", yours: "\(ours)", mine: "\(theirs)",
                            fix: "install the same Danlu on both"))
                } catch is WireError {
                    continue
                }
            }
        } catch ZeroMQError.tooManyFrames {
            return nil
        }
        return nil
    }
}
