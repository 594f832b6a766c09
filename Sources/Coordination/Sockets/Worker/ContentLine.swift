package import ContentStore
import Foundation
import Synchronization
import Wire
import ZeroMQ

/// How the learner's thread gets contents from the coordinator, while the talking thread goes on talking.
///
/// It outlives connections and coordinators: after each new welcome it asks for what has not arrived. What waits in it is
/// bounded by what was asked for, credit × chunk.
package final class ContentLine: Sendable {
    /// Why nothing will come.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// The coordinator's reason.
        case refused(Content, reason: String)
        /// The worker leaves, or another recipe has come.
        case over

        package var description: String {
            switch self {
            case .refused(let content, let reason):
                "the coordinator does not hand out \(content.hash.short)…: \(reason)"
            case .over: "what is being fetched is not needed any more"
            }
        }
    }

    /// What the talking thread says.
    enum Event: Sendable {
        /// There is a bulk connection.
        case opened(chunkBytes: Int, creditChunks: Int)
        case piece(Header, [UInt8])
        case over
    }

    /// What it is asked to send.
    typealias Wish = @Sendable (UInt32, ContentRequest) -> Void

    let events: Mailbox<Event>
    private let send: Wish
    private let progressed: @Sendable () -> Void
    private let terms = Mutex(Terms())
    /// Silence after which is asked again; longer than a chunk takes on the slowest link.
    private let patience: Duration

    private struct Terms {
        var number: UInt32 = 0
        var chunkBytes = 1
        var creditChunks = 1
        var isOver = false
    }

    /// - Parameter number: greater than that of any request to this coordinator.
    init(
        after number: UInt32, patience: Duration, send: @escaping Wish, progressed: @escaping @Sendable () -> Void
    ) throws {
        events = try Mailbox()
        terms.withLock { $0.number = number }
        self.patience = patience
        self.send = send
        self.progressed = progressed
    }

    /// Says that this worker is getting on, although nothing arrives: its disk is being read, or another process fetches
    /// what it needs.
    package func isAlive() { progressed() }

    /// Whether what is being fetched is not needed any more.
    package func checkIsNeeded() throws(Failure) {
        for event in events.takeAll() { learn(event) }
        if terms.withLock(\.isOver) { throw .over }
    }

    /// Fetches parts, one after the other; the calling thread waits.
    ///
    /// - Parameter take: called with the next bytes of the part with an index, and whether they are its last.
    /// - Throws: ``Failure``, or what `take` throws; then the rest is not fetched.
    package func fetch(
        _ parts: [ContentPart], take: (_ index: Int, _ bytes: UnsafeRawBufferPointer, _ isLast: Bool) throws -> Void
    ) throws {
        try checkIsNeeded()
        let first = terms.withLock { $0 }
        var window = ContentWindow(
            parts, chunkBytes: first.chunkBytes, credit: first.creditChunks, after: first.number)
        defer { terms.withLock { $0.number = window.number } }
        for (number, request) in window.ask() { send(number, request) }
        while !window.isComplete {
            let events = try events.wait(timeout: patience)
            if events.isEmpty { window = restart(window) }
            for event in events {
                learn(event)
                switch event {
                case .opened: window = restart(window)
                case .over: throw Failure.over
                case .piece(let header, let bytes):
                    let isRefusal = header.shard == 1
                    switch window.take(
                        number: header.round, offset: header.step, count: bytes.count, isRefusal: isRefusal)
                    {
                    case .stale: continue
                    case .refused(let index):
                        throw Failure.refused(
                            parts[index].content, reason: String(decoding: bytes, as: UTF8.self))
                    case .piece(let index, let isLast):
                        progressed()
                        try bytes.withUnsafeBytes { try take(index, $0, isLast) }
                    }
                }
            }
            for (number, request) in window.ask() { send(number, request) }
        }
    }

    private func restart(_ window: ContentWindow) -> ContentWindow {
        let terms = terms.withLock { $0 }
        return window.restarted(chunkBytes: terms.chunkBytes, credit: terms.creditChunks)
    }

    private func learn(_ event: Event) {
        switch event {
        case .opened(let chunkBytes, let creditChunks):
            terms.withLock {
                $0.chunkBytes = chunkBytes
                $0.creditChunks = creditChunks
            }
        case .over: terms.withLock { $0.isOver = true }
        case .piece: break
        }
    }
}
