package import ContentStore
package import Wire

/// Some content from some byte on.
package struct ContentPart: Equatable, Sendable {
    package let content: Content
    /// Less than the content's count.
    package let offset: Int

    package init(_ content: Content, from offset: Int = 0) {
        self.content = content
        self.offset = offset
    }
}

/// What is asked for next of a list of contents, and what an arriving piece is.
///
/// Pieces arrive in the order in which they are asked for. Never more than `credit` are under way; half of them are asked
/// for at once, so that the other half arrives meanwhile.
package struct ContentWindow: Sendable {
    /// What a piece amounted to.
    package enum Arrival: Equatable, Sendable {
        /// The next bytes of the part with this index, and whether they are its last.
        case piece(of: Int, isLast: Bool)
        /// Of a request that nobody waits for any more, or of no request at all.
        case stale
        /// The part with this index cannot be had.
        case refused(Int)
    }

    private struct Request {
        let number: UInt32
        let index: Int
        var offset: Int
        var pieces: Int
    }

    private let parts: [ContentPart]
    private let chunkBytes: Int
    private let credit: Int
    private var requests: [Request] = []
    private var lastNumber: UInt32
    /// Whether nothing has been asked for yet, so that what others asked for before is to be forgotten.
    private var isFresh = true
    /// The part that is asked for next, and from which byte on.
    private var next: (index: Int, offset: Int)
    /// The part whose bytes are expected next, and from which byte on.
    private var expected: (index: Int, offset: Int)

    /// - Parameter number: greater than that of any request to the same coordinator.
    package init(_ parts: [ContentPart], chunkBytes: Int, credit: Int, after number: UInt32) {
        self.parts = parts
        self.chunkBytes = max(1, chunkBytes)
        self.credit = max(1, credit)
        lastNumber = number
        next = (0, parts.first?.offset ?? 0)
        expected = next
    }

    /// Whether every byte has arrived.
    package var isComplete: Bool { expected.index == parts.count }

    /// The number of the last request.
    package var number: UInt32 { lastNumber }

    /// What is to be asked for now, with the requests' numbers.
    package mutating func ask() -> [(number: UInt32, ContentRequest)] {
        var asked: [(UInt32, ContentRequest)] = []
        while next.index < parts.count {
            let part = parts[next.index]
            let left = (part.content.count - next.offset + chunkBytes - 1) / chunkBytes
            let pieces = min(left, max(1, credit / 2))
            guard requests.reduce(pieces, { $0 + $1.pieces }) <= credit else { break }
            lastNumber &+= 1
            requests.append(Request(number: lastNumber, index: next.index, offset: next.offset, pieces: pieces))
            asked.append(
                (
                    lastNumber,
                    ContentRequest(
                        hash: part.content.hash, offset: next.offset, pieces: pieces, startsOver: isFresh)
                ))
            isFresh = false
            next.offset += pieces * chunkBytes
            if next.offset >= part.content.count {
                next.index += 1
                next.offset = next.index < parts.count ? parts[next.index].offset : 0
            }
        }
        return asked
    }

    /// Takes in a piece.
    ///
    /// - Parameters:
    ///   - number: of the request that it answers.
    ///   - offset: of its first byte.
    ///   - isRefusal: whether it says why there is none.
    package mutating func take(number: UInt32, offset: UInt64, count: Int, isRefusal: Bool) -> Arrival {
        guard var request = requests.first, request.number == number, offset == UInt64(request.offset) else {
            return .stale
        }
        if isRefusal { return .refused(request.index) }
        let content = parts[request.index].content
        guard count == min(chunkBytes, content.count - request.offset) else { return .stale }
        request.offset += count
        request.pieces -= 1
        if request.pieces > 0 { requests[0] = request } else { requests.removeFirst() }
        let isLast = request.offset == content.count
        expected =
            isLast
            ? (request.index + 1, request.index + 1 < parts.count ? parts[request.index + 1].offset : 0)
            : (request.index, request.offset)
        return .piece(of: request.index, isLast: isLast)
    }

    /// Forgets what was asked for and has not arrived: it is asked for again, with other numbers.
    ///
    /// - Parameters: as the coordinator says them now.
    package func restarted(chunkBytes: Int, credit: Int) -> ContentWindow {
        var window = ContentWindow(parts, chunkBytes: chunkBytes, credit: credit, after: lastNumber)
        window.next = expected
        window.expected = expected
        return window
    }
}
