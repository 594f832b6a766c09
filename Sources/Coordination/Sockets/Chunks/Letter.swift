import Wire
import ZeroMQ

/// A message in JSON as two frames.
func letter(_ message: some Encodable, kind: Header.Kind = .control, stamp: Stamp) throws(ZeroMQError) -> [Frame] {
    // Messages are plain values of ours, whose encoding cannot fail; an empty payload is refused by every receiver.
    let payload = (try? Control.encode(message)) ?? []
    let header = payload.withUnsafeBytes { Header(kind, stamp).describing($0) }
    return try [Frame(header.bytes), Frame(payload)]
}

/// A message that is its header.
func postcard(_ header: Header) throws(ZeroMQError) -> [Frame] {
    let empty: [UInt8] = []
    return try [Frame(empty.withUnsafeBytes { header.describing($0) }.bytes), Frame(empty)]
}

/// A header and what it is of.
func parcel(_ header: Header, _ payload: [UInt8]) throws(ZeroMQError) -> [Frame] {
    try [Frame(payload.withUnsafeBytes { header.describing($0) }.bytes), Frame(payload)]
}

/// Permission to send so many more chunks.
func permission(_ chunks: Int, stamp: Stamp) throws(ZeroMQError) -> [Frame] {
    var header = Header(.credit, stamp)
    header.chunkCount = UInt32(clamping: chunks)
    return try postcard(header)
}

/// The header of a message of two frames.
func openHeader(_ frames: ArraySlice<Frame>) throws(WireError) -> (Header, Frame) {
    guard frames.count == 2, let first = frames.first, let last = frames.last else {
        throw .frames(frames.count, expected: 2)
    }
    let header = try first.withUnsafeBytes { bytes throws(WireError) in try Header.parse(bytes) }
    return (header, last)
}

/// The control message in a payload.
func open<Message: Decodable>(
    _ type: Message.Type, _ header: Header, _ payload: Frame, limit: Int
) throws(WireError) -> Message {
    try payload.withUnsafeBytes { bytes throws(WireError) in
        try header.check(payload: bytes, limit: limit)
        return try Control.decode(type, from: bytes)
    }
}

/// Two sockets' common manners: bounded, quick to give up on who does not greet, never waiting when closed.
func setManners(of socket: borrowing Socket, limit: Int, highWaterMark: Int) throws(ZeroMQError) {
    try socket.set(.maximumMessageSize, to: Int64(limit))
    try socket.set(.handshakeInterval, to: 5_000)
    try socket.set(.sendHighWaterMark, to: CInt(clamping: highWaterMark))
    try socket.set(.receiveHighWaterMark, to: CInt(clamping: highWaterMark))
    try socket.set(.reconnectInterval, to: 100)
    try socket.set(.reconnectIntervalMaximum, to: 2_000)
    try socket.set(.tcpKeepAlive, to: true)
}

/// Has a socket speak IPv6 too where its address asks for it.
func allowIPv6(_ socket: borrowing Socket, towards address: Address) throws(ZeroMQError) {
    if address.host.hasPrefix("[") || address.host == "*" { try socket.set(.ipv6, to: true) }
}
