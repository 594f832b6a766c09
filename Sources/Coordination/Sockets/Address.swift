/// Where a coordinator listens: `tcp://HOST:PORT`.
///
/// The bulk port is the next one.
package struct Address: Equatable, Sendable, CustomStringConvertible {
    /// Why a text is no address to use, in one sentence.
    package enum Malformed: Error, Equatable, CustomStringConvertible {
        case form(String)
        case open(Address)
        case lastPort(Address)

        package var description: String {
            switch self {
            case .form(let text):
                "\(text) is not an address: write it as tcp://HOST:PORT, for example tcp://127.0.0.1:5570, "
                    + "and an IPv6 address in brackets"
            case .open(let address):
                "\(address) can be reached from other machines, and there is no key to protect it: "
                    + "make keys with 'danlu keygen', or allow it aloud with --insecure"
            case .lastPort(let address):
                "\(address) has the last port there is, and the next one is needed too: choose one below 65535"
            }
        }
    }

    package var host: String
    /// 0 lets the system choose.
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package init(_ text: String) throws(Malformed) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard text.hasPrefix("tcp://"), parts.count >= 3, let last = parts.last, let port = UInt16(last) else {
            throw .form(text)
        }
        host = String(text.dropFirst("tcp://".count).dropLast(last.count + 1))
        self.port = port
        guard !host.isEmpty, !host.contains(":") || host.hasPrefix("[") else { throw .form(text) }
    }

    package var description: String { "tcp://\(host):\(port)" }

    /// Where the bulk connections of a coordinator go that listens here: the next port; 0 where the system chooses.
    func bulk() throws(Malformed) -> Address {
        guard port < .max else { throw .lastPort(self) }
        return Address(host: host, port: port == 0 ? 0 : port + 1)
    }

    /// Whether it means every interface of this machine.
    package var isEverywhere: Bool { ["0.0.0.0", "*", "[::]"].contains(host) }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = bytes.count == 4 && bytes.first == "127" && bytes.allSatisfy { UInt8($0) != nil }
        return isIPv4 || host == "localhost" || host == "[::1]"
    }
}
