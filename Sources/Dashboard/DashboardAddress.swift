/// Where the dashboard listens: `HOST:PORT`, `[IPv6]:PORT`, or a port alone, which is one of the loopback.
package struct DashboardAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or a number, without the brackets of IPv6.
    package let host: String
    /// 0 takes a free one.
    package let port: Int

    package static let standard = DashboardAddress(host: "127.0.0.1", port: 5580)

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Returns: nil for what is no address, or has a port outside 0...65535.
    package init?(_ text: String) {
        let host: Substring
        let port: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]"), text[end...].hasPrefix("]:") else { return nil }
            host = text[..<end].dropFirst()
            port = text[end...].dropFirst(2)
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            host = parts.count == 2 ? parts[0] : "127.0.0.1"
            port = parts[parts.count - 1]
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "/" }),
            port.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(port), (0...65_535).contains(number)
        else { return nil }
        self.init(host: String(host), port: number)
    }

    /// Whether nobody but this box can reach it; elsewhere whoever looks must show a token.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || Self.isNumberOfTheLoopback(host)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// 127.0.0.0/8 in its usual form of four numbers; a name that begins so, as 127.0.0.1.example, is none.
    private static func isNumberOfTheLoopback(_ host: String) -> Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }
}
