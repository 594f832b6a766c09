import ContentStore
import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite struct `The desk that hands out contents` {
    private let content: Content
    private let shelf: ContentShelf

    init() {
        var shelf = ContentShelf()
        content = shelf.add((0..<10_000).map { UInt8(truncatingIfNeeded: $0) })
        self.shelf = shelf
    }

    private static func stamp(_ worker: UInt32) -> Stamp {
        Stamp(run: RunID(1, 2), incarnation: 3, worker: WorkerID(worker))
    }

    private func ask(
        _ desk: inout ContentDesk, worker: UInt32, offset: Int, pieces: Int, startsOver: Bool = false
    ) throws {
        let request = ContentRequest(hash: content.hash, offset: offset, pieces: pieces, startsOver: startsOver)
        let frames = try parcel(Header(.contentRequest, Self.stamp(worker)), request.bytes)
        let header = try frames[0].withUnsafeBytes { bytes throws(WireError) in try Header.parse(bytes) }
        try desk.take(header, frames[1], from: [UInt8(worker)])
    }

    /// Who is sent which byte first, in order.
    private func pump(_ desk: inout ContentDesk, isSlowed: Bool = false) throws -> [String] {
        var sent: [String] = []
        let gone = try desk.pump(isSlowed: isSlowed) { frames throws(ZeroMQError) in
            let header = frames[1].withUnsafeBytes { bytes in try? Header.parse(bytes) }
            sent.append("\(frames[0].bytes[0]):\(header?.step ?? 0)")
        }
        #expect(gone.isEmpty)
        return sent
    }

    @Test func `serves everybody in turn`() throws {
        var desk = ContentDesk(shelf, chunkBytes: 1000, creditChunks: 4)
        try ask(&desk, worker: 1, offset: 0, pieces: 3)
        try ask(&desk, worker: 2, offset: 8500, pieces: 4)
        #expect(try pump(&desk) == ["1:0", "2:8500", "1:1000", "2:9500", "1:2000"])
        #expect(!desk.isBusy)
    }

    @Test func `sends one piece to each while something else must not wait`() throws {
        var desk = ContentDesk(shelf, chunkBytes: 1000, creditChunks: 4)
        try ask(&desk, worker: 1, offset: 0, pieces: 2)
        try ask(&desk, worker: 2, offset: 5000, pieces: 2)
        #expect(try pump(&desk, isSlowed: true) == ["1:0", "2:5000"])
        #expect(desk.isBusy)
        #expect(try pump(&desk, isSlowed: true) == ["1:1000", "2:6000"])
        #expect(!desk.isBusy)
    }

    @Test func `lets the coordinator look at its other work, however much is asked for`() throws {
        var desk = ContentDesk(shelf, chunkBytes: 10, creditChunks: 100)
        try ask(&desk, worker: 1, offset: 0, pieces: 100)
        #expect(try pump(&desk).count == 16)
        #expect(try pump(&desk).first == "1:160")
    }

    @Test func `keeps no more requests than the credit allows, unless told to forget them`() throws {
        var desk = ContentDesk(shelf, chunkBytes: 1000, creditChunks: 4)
        try ask(&desk, worker: 1, offset: 0, pieces: 4)
        #expect(throws: WireError.contentPart(offset: 4000, pieces: 1)) {
            try ask(&desk, worker: 1, offset: 4000, pieces: 1)
        }
        try ask(&desk, worker: 1, offset: 7000, pieces: 2, startsOver: true)
        #expect(try pump(&desk) == ["1:7000", "1:8000"])
    }

    @Test func `sends again what a full queue did not take, and forgets who is gone`() throws {
        var desk = ContentDesk(shelf, chunkBytes: 1000, creditChunks: 4)
        try ask(&desk, worker: 1, offset: 0, pieces: 2)
        try ask(&desk, worker: 2, offset: 0, pieces: 2)
        let gone = try desk.pump(isSlowed: false) { frames throws(ZeroMQError) in
            throw frames[0].bytes == [1] ? .queueFull : .peerUnreachable
        }
        #expect(gone == [WorkerID(2)])
        #expect(try pump(&desk) == ["1:0", "1:1000"])
    }
}
