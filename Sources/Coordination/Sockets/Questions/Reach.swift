import Foundation
import ZeroMQ

/// How far a TCP connection gets on its way to a port.
package enum Reach: Equatable, Sendable {
    /// Somebody listens at this IP address; what the handshake of TCP took.
    case open(address: String, after: Duration)
    /// The host's name means nothing here.
    case unresolved(reason: String)
    /// The host answers, and nobody listens.
    case refused(address: String)
    /// No answer within the time.
    case silent(address: String)
    /// The network says that there is no way.
    case unreachable(address: String, reason: String)

    /// Tries the addresses of a host in turn, as libzmq would: IPv4 unless the host is an IPv6 address.
    ///
    /// Blocks for `timeout` and a little more.
    package static func of(_ address: Address, timeout: Duration = .seconds(3)) -> Reach {
        // Resolving may block for longer than anybody wants to wait; so it is left behind then.
        guard let answer = try? Mailbox<Reach>() else {
            return .unreachable(address: address.host, reason: "no memory")
        }
        let thread = Thread { answer.put(look(address, timeout: timeout)) }
        thread.name = "reach"
        thread.start()
        return (try? answer.wait(timeout: timeout + .seconds(1)).first)
            ?? .unresolved(reason: "no name server answered in time")
    }

    private static func look(_ address: Address, timeout: Duration) -> Reach {
        var hints = addrinfo()
        hints.ai_family = address.host.hasPrefix("[") ? AF_INET6 : AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let host = address.host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        let code = getaddrinfo(host, "\(address.port)", &hints, &list)
        guard code == 0 else { return .unresolved(reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        guard let first = list?.pointee, let target = first.ai_addr else {
            return .unresolved(reason: "it has no address")
        }
        return connect(to: target, first.ai_addrlen, timeout: timeout)
    }

    private static func connect(
        to target: UnsafePointer<sockaddr>, _ length: socklen_t, timeout: Duration
    ) -> Reach {
        let name = numericHost(target, length) ?? "?"
        let descriptor = Glibc.socket(
            Int32(target.pointee.sa_family), Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return .unreachable(address: name, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let began = ContinuousClock.now
        var code: Int32 = 0
        if Glibc.connect(descriptor, target, length) != 0 {
            code = errno
            if code == EINPROGRESS {
                var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                let ready = Glibc.poll(&item, 1, Int32(timeout / .milliseconds(1)))
                guard ready > 0 else { return .silent(address: name) }
                var size = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
            }
        }
        return switch code {
        case 0: .open(address: name, after: ContinuousClock.now - began)
        case ECONNREFUSED: .refused(address: name)
        case ETIMEDOUT: .silent(address: name)
        default: .unreachable(address: name, reason: String(cString: strerror(code)))
        }
    }

    /// What is wrong and what to do; nil when somebody listens.
    package func complaint(_ address: Address) -> String? {
        let place = { (ip: String) in ip == address.host ? ip : "\(address.host) (\(ip))" }
        return switch self {
        case .open: nil
        case .unresolved(let reason):
            "the name \(address.host) cannot be resolved (\(reason)): check how it is spelt, or use an IP address"
        case .refused(let ip):
            "\(place(ip)) is there, but nothing listens at its port \(address.port): "
                + "start the coordinator, or check the port"
        case .silent(let ip):
            "\(place(ip)) does not answer at port \(address.port): the box may be off, or a firewall may drop what is "
                + "sent to ports \(address.port) and \(address.port &+ 1)"
        case .unreachable(let ip, let reason):
            "there is no way from here to \(place(ip)) (\(reason)): check this box's network"
        }
    }
}
