import CZeroMQ

/// What a socket does with its peers (zmq_socket(3)).
package enum SocketKind: Sendable {
    /// Talks to each peer by its routing id, which is the first frame of every message.
    case router
    /// Talks to one peer, as often as it likes, without waiting for answers.
    case dealer
    /// Answers one request after the other; the handler of ZAP, ZeroMQ's authentication, is one.
    case reply
    /// Talks to one other socket of the same process.
    case pair

    var raw: CInt {
        switch self {
        case .router: ZMQ_ROUTER
        case .dealer: ZMQ_DEALER
        case .reply: ZMQ_REP
        case .pair: ZMQ_PAIR
        }
    }
}
