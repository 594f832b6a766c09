import Glibc

extension Address {
    /// There is no way from this box to an address.
    package struct Unreachable: Error, CustomStringConvertible {
        let address: Address
        let reason: String
        package var description: String { "there is no way from here to \(address): \(reason)" }
    }

    /// This box's own address on the way to this one, as the routing table has it; nothing is sent.
    package var ownHost: String {
        get throws {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            let name = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
            let code = getaddrinfo(name, "\(port)", &hints, &list)
            guard code == 0, let first = list?.pointee else {
                throw Unreachable(address: self, reason: String(cString: gai_strerror(code)))
            }
            defer { freeaddrinfo(list) }
            // Connecting a datagram socket asks for the route, and no more.
            let descriptor = socket(first.ai_family, first.ai_socktype, 0)
            defer { close(descriptor) }
            guard descriptor >= 0, connect(descriptor, first.ai_addr, first.ai_addrlen) == 0 else {
                throw Unreachable(address: self, reason: String(cString: strerror(errno)))
            }
            var own = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let found = withUnsafeMutablePointer(to: &own) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    getsockname(descriptor, address, &length) == 0
                        && getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
                }
            }
            guard found else { throw Unreachable(address: self, reason: String(cString: strerror(errno))) }
            let number = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            return first.ai_family == AF_INET6 ? "[\(number)]" : number
        }
    }
}
