import Foundation

/// This machine's own IP addresses.
package enum NetworkInterfaces {
    /// An address of one interface.
    package struct Entry: Equatable, Sendable {
        package let interface: String
        /// As it stands in an address: IPv6 in brackets.
        package let host: String
        package let isIPv6: Bool
        package let isLoopback: Bool

        package init(interface: String, host: String, isIPv6: Bool = false, isLoopback: Bool = false) {
            self.interface = interface
            self.host = host
            self.isIPv6 = isIPv6
            self.isLoopback = isLoopback
        }

        /// Whether it joins containers or virtual machines of this box only.
        var isInside: Bool {
            ["docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "podman", "lxc"].contains(
                where: interface.hasPrefix)
        }
    }

    /// Every address of an interface that is up, without IPv6's link-local ones.
    package static func all() -> [Entry] {
        var head: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&head) == 0 else { return [] }
        defer { freeifaddrs(head) }
        var entries: [Entry] = []
        var next = head
        while let one = next?.pointee {
            next = one.ifa_next
            guard one.ifa_flags & UInt32(IFF_UP) != 0, let address = one.ifa_addr else { continue }
            let isIPv6 = address.pointee.sa_family == sa_family_t(AF_INET6)
            guard isIPv6 || address.pointee.sa_family == sa_family_t(AF_INET) else { continue }
            let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
            guard let host = numericHost(address, socklen_t(length)), !host.hasPrefix("fe80:") else { continue }
            entries.append(
                Entry(
                    interface: String(cString: one.ifa_name), host: isIPv6 ? "[\(host)]" : host, isIPv6: isIPv6,
                    isLoopback: one.ifa_flags & UInt32(IFF_LOOPBACK) != 0))
        }
        return entries
    }

    /// Where workers on other boxes find a socket that listens at `address`: the best first, never none.
    ///
    /// For an address that means every interface these are the interfaces' own; those that lead into containers, and
    /// the loopback, only if there are no others.
    package static func reachable(_ address: Address, among entries: [Entry] = all()) -> [Address] {
        guard address.isEverywhere else { return [address] }
        let usable = entries.filter { !$0.isIPv6 || address.host == "[::]" || address.host == "*" }
        let outward = usable.filter { !$0.isLoopback && !$0.isInside }
        let inward = usable.filter { !$0.isLoopback }
        let best = [outward, inward, usable].first { !$0.isEmpty } ?? []
        let hosts = best.filter { !$0.isIPv6 }.map(\.host) + best.filter(\.isIPv6).map(\.host)
        return (hosts.isEmpty ? ["127.0.0.1"] : hosts).map { Address(host: $0, port: address.port) }
    }
}

/// An IP address in digits.
func numericHost(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> String? {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
    return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
}
