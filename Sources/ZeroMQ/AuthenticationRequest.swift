/// What libzmq asks an ``Authenticator``, and what it is told (rfc.zeromq.org/spec/27).
package struct AuthenticationRequest {
    let id: [UInt8]
    let address: String
    /// The public key in Z85; nil when the request is none of CURVE's.
    package let key: String?

    /// Reads a request; one that makes no sense has no key.
    package init(_ frames: [Frame]) {
        id = frames.count > 1 ? frames[1].bytes : []
        address = frames.count > 3 ? String(decoding: frames[3].bytes, as: UTF8.self) : ""
        let isCurve = frames.count == 7 && frames[5].bytes == Array("CURVE".utf8)
        key = isCurve ? frames[6].withUnsafeBytes { Z85.text(of: $0) } : nil
    }

    /// The answer: "200" when the sender has a name, else "400".
    package func reply(name: (AuthenticationRequest) -> String?) throws(ZeroMQError) -> [Frame] {
        let name = name(self)
        var properties: [UInt8] = []
        if name != nil, let key {
            // Name and value, with a length of one byte and of four before them (rfc.zeromq.org/spec/23).
            properties = [UInt8(Authenticator.keyProperty.utf8.count)] + Array(Authenticator.keyProperty.utf8)
            properties += [0, 0, 0, UInt8(key.utf8.count)] + Array(key.utf8)
        }
        let words = ["1.0", nil, name == nil ? "400" : "200", name == nil ? "not on the list" : "", name ?? ""]
        var frames: [Frame] = []
        for word in words { frames.append(try Frame(word.map { Array($0.utf8) } ?? id)) }
        return frames + [try Frame(properties)]
    }
}
