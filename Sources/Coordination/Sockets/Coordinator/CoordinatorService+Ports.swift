import ZeroMQ

extension CoordinatorService {
    /// Takes both ports of this address for a moment, so that it is known before anything is written whether they can be had.
    ///
    /// - Throws: ``Address/Malformed``, ``ZeroMQError`` with one sentence, for example that a port is taken.
    package static func check(_ address: Address) throws {
        guard address.port < .max else { throw Address.Malformed.lastPort(address) }
        let context = try Context()
        for port in address.port == 0 ? [0] : [address.port, address.port + 1] {
            let socket = try Socket(.router, in: context)
            try allowIPv6(socket, towards: address)
            try socket.bind("\(Address(host: address.host, port: port))")
        }
    }
}
