import ContentStore
import Coordination
import Testing
import Wire

@Suite struct `What is asked for of contents` {
    private static func content(_ count: Int) -> Content {
        Content(hash: Content(of: withUnsafeBytes(of: count) { Array($0) }).hash, count: count)
    }

    /// A server that answers in order, and forgets what it is told to.
    private struct Server {
        var orders: [(number: UInt32, ContentRequest)] = []
        var mostPieces = 0

        mutating func take(_ asked: [(number: UInt32, ContentRequest)]) {
            for (number, request) in asked {
                if request.startsOver { orders = [] }
                orders.append((number, request))
            }
            mostPieces = max(mostPieces, orders.reduce(0) { $0 + $1.1.pieces })
        }

        mutating func answer(_ contents: [Content], chunk: Int) -> (number: UInt32, offset: Int, count: Int)? {
            guard case (let number, var request)? = orders.first,
                let content = contents.first(where: { $0.hash == request.hash })
            else { return nil }
            let piece = (number, request.offset, min(chunk, content.count - request.offset))
            request.offset += piece.2
            request.pieces -= 1
            if request.pieces > 0 && request.offset < content.count {
                orders[0] = (number, request)
            } else {
                orders.removeFirst()
            }
            return piece
        }
    }

    @Test(arguments: [1, 2, 3, 16], [nil, 0, 1, 7, 20])
    func `arrives whole and in order, within the credit, and again after a break`(credit: Int, breakAt: Int?) {
        let parts = [
            ContentPart(Self.content(1000)), ContentPart(Self.content(1), from: 0),
            ContentPart(Self.content(777), from: 333), ContentPart(Self.content(100)),
        ]
        var window = ContentWindow(parts, chunkBytes: 100, credit: credit, after: 5)
        var server = Server()
        var position = parts.map(\.offset)
        var pieces = 0
        server.take(window.ask())
        while !window.isComplete, pieces < 100 {
            if pieces == breakAt {
                server.orders = []
                window = window.restarted(chunkBytes: 100, credit: credit)
                server.take(window.ask())
            }
            guard let (number, offset, count) = server.answer(parts.map(\.content), chunk: 100) else { break }
            pieces += 1
            guard
                case .piece(let index, let isLast) = window.take(
                    number: number, offset: UInt64(offset), count: count, isRefusal: false)
            else { break }
            #expect(offset == position[index])
            position[index] += count
            #expect(isLast == (position[index] == parts[index].content.count))
            server.take(window.ask())
        }
        #expect(window.isComplete)
        #expect(position == parts.map(\.content.count))
        #expect(server.mostPieces <= credit)
        #expect(pieces == 10 + 1 + 5 + 1)
    }

    @Test func `is told from what was asked for before`() throws {
        let parts = [ContentPart(Self.content(1000))]
        var window = ContentWindow(parts, chunkBytes: 100, credit: 4, after: 0)
        let first = window.ask()
        #expect(first.map(\.number) == [1, 2] && first.map(\.1.startsOver) == [true, false])
        window = window.restarted(chunkBytes: 100, credit: 4)
        let second = window.ask()
        #expect(second.map(\.number) == [3, 4] && second.map(\.1.startsOver) == [true, false])
        for (number, offset, count) in [(1, 0, 100), (3, 100, 100), (4, 0, 100), (3, 0, 99), (3, 0, 101)] {
            let arrival = window.take(
                number: UInt32(number), offset: UInt64(offset), count: count, isRefusal: false)
            #expect(arrival == .stale)
        }
        #expect(window.take(number: 3, offset: 0, count: 100, isRefusal: false) == .piece(of: 0, isLast: false))
        #expect(window.take(number: 3, offset: 100, count: 20, isRefusal: true) == .refused(0))
    }

    @Test func `is nothing when nothing is wanted`() {
        var window = ContentWindow([], chunkBytes: 100, credit: 4, after: 0)
        #expect(window.isComplete && window.ask().isEmpty)
    }
}
