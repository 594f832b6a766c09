import ZeroMQ

extension CoordinatorService {
    /// Takes both ports of this address for a moment, so that it is known before anything is written whether they can be had.
    ///
    /// - Throws: ``Address/Malformed``, ``ZeroMQError`` with one sentence, for example that a port is taken.
    package static func check(_ address: Address) throws {
        let context = try Context()
        for each in [address, try address.bulk()] {
            let socket = try Socket(.router, in: context)
            try allowIPv6(socket, towards: each)
            try socket.bind("\(each)")
        }
    }
}
