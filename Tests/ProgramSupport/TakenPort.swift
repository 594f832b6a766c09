import Foundation

/// A port of the loopback that somebody listens at for as long as this object lives.
package final class TakenPort {
    package let number: UInt16
    private let descriptor: Int32

    /// - Parameter number: 0 lets the system choose.
    package init(_ number: UInt16 = 0) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = number.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (descriptor, isBound) = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                let isBound = bind(descriptor, pointer, length) == 0 && listen(descriptor, 1) == 0
                return (descriptor, isBound && getsockname(descriptor, pointer, &length) == 0)
            }
        }
        self.number = UInt16(bigEndian: address.sin_port)
        guard isBound else {
            close(descriptor)
            throw Launched.Complaint(description: "port \(number) of the loopback cannot be taken")
        }
    }

    deinit { close(descriptor) }

    /// The lower of two neighbouring ports that were free a moment ago.
    package static func free() throws -> UInt16 {
        for _ in 0..<50 {
            let number = try TakenPort().number
            guard number < .max, (try? TakenPort(number)) != nil, (try? TakenPort(number + 1)) != nil else { continue }
            return number
        }
        throw Launched.Complaint(description: "no two neighbouring ports of the loopback are free")
    }
}
