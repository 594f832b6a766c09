import ContentStore
import Wire
import ZeroMQ

/// The coordinator's answers to who asks for contents: a piece at a time, read when it is sent.
///
/// Nothing but what is on the shelf is ever read, and a request names it by its hash. For each worker there wait as many
/// requests as it may ask for pieces, of which at most one is open; what is between the two processes is as much as
/// the worker has asked for, at most credit × chunk.
struct ContentDesk {
    private struct Order {
        let request: ContentRequest
        let header: Header
        var offset: Int
        var piecesLeft: Int
    }

    private struct Queue {
        let routingID: [UInt8]
        var orders: [Order] = []
        var reader: ContentReader?
    }

    private var shelf: ContentShelf
    private let chunkBytes: Int
    private let creditChunks: Int
    private var queues: [WorkerID: Queue] = [:]
    /// Pieces that are sent before the coordinator looks at its other work again.
    private static let pace = 16

    init(_ shelf: ContentShelf, chunkBytes: Int, creditChunks: Int) {
        self.shelf = shelf
        self.chunkBytes = chunkBytes
        self.creditChunks = creditChunks
    }

    /// Hands out these bytes too, from now on.
    mutating func offer(_ bytes: [UInt8]) -> Content { shelf.add(bytes) }

    /// Hands out something no more; whoever is in the middle of it is told so.
    mutating func withdraw(_ content: Content) { shelf.remove(content.hash) }

    /// Whether there are requests that have not been answered.
    var isBusy: Bool { !queues.isEmpty }

    mutating func forget(_ id: WorkerID) { queues[id] = nil }

    /// Takes in a request of a worker whose stamp has been checked.
    mutating func take(_ header: Header, _ payload: Frame, from routingID: [UInt8]) throws(WireError) {
        let limit = creditChunks
        let request = try payload.withUnsafeBytes { bytes throws(WireError) in
            try header.check(payload: bytes, limit: ContentRequest.size)
            return try ContentRequest.parse(bytes, limit: limit)
        }
        if let content = shelf[request.hash], request.offset >= content.count {
            throw .contentPart(offset: UInt64(request.offset), pieces: UInt32(request.pieces))
        }
        var queue = queues[header.stamp.worker] ?? Queue(routingID: routingID)
        if request.startsOver { queue.orders = [] }
        guard queue.orders.reduce(request.pieces, { $0 + $1.piecesLeft }) <= creditChunks else {
            throw .contentPart(offset: UInt64(request.offset), pieces: UInt32(request.pieces))
        }
        queue.orders.append(
            Order(request: request, header: header, offset: request.offset, piecesLeft: request.pieces))
        queues[header.stamp.worker] = queue
    }

    /// Sends some of what has been asked for, to everybody in turn.
    ///
    /// - Parameters:
    ///   - isSlowed: whether something is being sent that must not wait; then each gets one piece at most.
    ///   - send: throws ``ZeroMQError/queueFull`` to be asked again later.
    /// - Returns: workers whose connection is gone.
    mutating func pump(
        isSlowed: Bool, _ send: ([Frame]) throws(ZeroMQError) -> Void
    ) throws(ZeroMQError) -> [WorkerID] {
        var gone: [WorkerID] = []
        var waiting = queues.keys.sorted()
        var sent = 0
        while sent < (isSlowed ? 1 : Self.pace), !waiting.isEmpty {
            for id in waiting {
                do throws(ZeroMQError) {
                    try serve(id, send)
                    sent += 1
                } catch .queueFull {
                    waiting.removeAll { $0 == id }
                } catch .peerUnreachable {
                    queues[id] = nil
                    gone.append(id)
                }
                if queues[id]?.orders.isEmpty ?? true {
                    queues[id] = nil
                    waiting.removeAll { $0 == id }
                }
            }
        }
        return gone
    }

    /// Sends one piece, or says why there is none.
    private mutating func serve(
        _ id: WorkerID, _ send: ([Frame]) throws(ZeroMQError) -> Void
    ) throws(ZeroMQError) {
        guard var queue = queues[id], var order = queue.orders.first else { return }
        var header = Header(.content, order.header.stamp)
        header.round = order.header.round
        header.step = UInt64(order.offset)
        let payload: [UInt8]
        do throws(ContentError) {
            if queue.reader?.content.hash != order.request.hash { queue.reader = try shelf.open(order.request.hash) }
            guard let reader = queue.reader else { throw ContentError.notListed(order.request.hash) }
            let count = min(chunkBytes, reader.content.count - order.offset)
            payload = try reader.bytes(at: order.offset, count: count)
            order.offset += count
            order.piecesLeft = order.offset == reader.content.count ? 0 : order.piecesLeft - 1
        } catch {
            payload = Array(error.description.utf8.prefix(ContentRequest.reasonLimit))
            header.shard = 1
            order.piecesLeft = 0
        }
        try send([Frame(queue.routingID)] + parcel(header, payload))
        if order.piecesLeft > 0 {
            queue.orders[0] = order
        } else {
            queue.orders.removeFirst()
            if queue.orders.first?.request.hash != order.request.hash { queue.reader = nil }
        }
        queues[id] = queue
    }
}
