import CZeroMQ

/// A failed call of libzmq, said in one sentence.
package enum ZeroMQError: Error, Equatable, CustomStringConvertible {
    /// Another socket listens at this address.
    case addressInUse(String)
    /// No network interface of this machine has this address.
    case addressNotHere(String)
    /// Not of the form `tcp://host:port`.
    case addressMalformed(String)
    /// The peer that a router was asked to talk to is not connected.
    case peerUnreachable
    /// The peer's queue is full; with credit this means that somebody miscounts.
    case queueFull
    /// More frames than the receiver's bound.
    case tooManyFrames(Int, limit: Int)
    /// libzmq is older than the oldest that is safe to use.
    case outdatedLibrary(String)
    /// libzmq was built without encryption.
    case noCurve
    /// Any other failure: the call, and libzmq's own words for `code`.
    case failed(String, code: CInt)

    package var description: String {
        switch self {
        case .addressInUse(let address):
            "\(address) is taken by another process: stop that one, or choose another port"
        case .addressNotHere(let address):
            "\(address) cannot be bound, because no network interface here has that address: use one of this machine's"
        case .addressMalformed(let address):
            "\(address) is not an address: write it as tcp://HOST:PORT, for example tcp://127.0.0.1:5570"
        case .peerUnreachable: "the peer is not connected any more"
        case .queueFull: "the peer's queue is full"
        case .tooManyFrames(let count, let limit): "a message of \(count) frames, where \(limit) are allowed"
        case .outdatedLibrary(let version): "libzmq is \(version), which is too old: install 4.3.3 or newer"
        case .noCurve:
            "libzmq was built without CURVE, which keys need: install one built with libsodium, as Debian's libzmq5 is"
        case .failed(let call, let code): "\(call): \(String(cString: zmq_strerror(code)))"
        }
    }

    /// The error that libzmq has just reported on this thread.
    static func last(_ call: String, address: String? = nil) -> ZeroMQError {
        let code = zmq_errno()
        guard let address else {
            return switch code {
            case EAGAIN: .queueFull
            case EHOSTUNREACH: .peerUnreachable
            default: .failed(call, code: code)
            }
        }
        return switch code {
        case EADDRINUSE: .addressInUse(address)
        case EADDRNOTAVAIL, ENODEV: .addressNotHere(address)
        case EINVAL, EPROTONOSUPPORT: .addressMalformed(address)
        default: .failed("\(call) \(address)", code: code)
        }
    }
}
