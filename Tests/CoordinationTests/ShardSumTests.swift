import TestSupport
import Testing
import Wire

@testable import Coordination

@Suite struct `The sum of a shard` {
    private static let count = 10
    /// Three floats each, so that the last chunk has one.
    private static let chunkBytes = 12

    private func floats(_ term: ShardSum.Term) -> FlatFloats {
        let floats = FlatFloats(count: Self.count)
        var random = SeededGenerator(
            seed: UInt64(term.worker) << 20 | UInt64(term.slots.lowerBound * 64 + term.slots.count))
        for index in 0..<Self.count {
            floats.elements[index] = Float.random(in: -1...1, using: &random) * [1, 1e-3, 1e3][index % 3]
        }
        return floats
    }

    private func chunk(_ chunk: UInt32, of term: ShardSum.Term, _ body: (Header, UnsafeRawBufferPointer) throws -> Void)
        rethrows
    {
        let whole = floats(term)
        let stamp = Stamp(run: RunID(1, 2), incarnation: 3, worker: WorkerID(term.worker))
        var header = Header(.segment, stamp)
        header.round = 1
        header.slots = UInt32(term.slots.lowerBound)..<UInt32(term.slots.upperBound)
        header.chunk = chunk
        header.chunkCount = 4
        header.numberFormat = .float32
        let range = chunkRange(Int(chunk), of: Self.count * 4, in: Self.chunkBytes)
        let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(whole.elements)[range])
        try body(header.describing(bytes), bytes)
    }

    private func reduction(_ terms: [ShardSum.Term], slotCount: Int, number: UInt32 = 1) -> Reduction {
        Reduction(
            round: 1, number: number, step: 0, slotCount: slotCount, lossScale: 1,
            terms: terms.map { .init(worker: WorkerID($0.worker), slots: $0.slots) })
    }

    @Test(arguments: 0..<UInt64(20)) func `is the coordinator's, bit for bit, in whatever order the chunks come`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let tree = SlotTree(slotCount: 13)
        // Slot 5 is left out.
        let terms = [(1, 0..<4), (1, 4..<5), (2, 6..<7), (2, 7..<8), (3, 8..<12), (1, 12..<13)].map {
            ShardSum.Term(worker: $0, slots: $1)
        }
        var star = TreeSum(tree)
        for term in terms { star.take(floats(term), over: term.slots) }
        let expected = try #require(try star.finish(leavingOut: [5]))

        let shard = ShardSum(1..<4, round: 1, count: Self.count, chunkBytes: Self.chunkBytes)
        let own = Dictionary(uniqueKeysWithValues: terms.filter { $0.worker == 1 }.map { ($0, floats($0)) })
        var arrivals = terms.flatMap { term in (1..<4).map { (term, UInt32($0)) } }
        arrivals.shuffle(using: &random)
        let told = Int.random(in: 0...arrivals.count, using: &random)
        for (index, (term, number)) in arrivals.enumerated() {
            if index == told { shard.begin(reduction(terms, slotCount: 13)) }
            if let sum = own[term] {
                shard.take(own: sum, of: term, chunks: [0, number])
            } else {
                try chunk(number, of: term) { _ = try shard.take($0, $1, limit: 8) }
            }
            _ = shard.advance()
        }
        shard.begin(reduction(terms, slotCount: 13))
        let (memory, start) = try #require(shard.advance())
        #expect(shard.ready.sorted() == [1, 2, 3])
        #expect(Array(memory.elements[start..<start + 7]) == Array(expected.elements[3..<10]))
        // What may have to be sent again is as it was, and so is what may have to be added up otherwise.
        for (term, sum) in own { #expect(sum.numbers == self.floats(term).numbers) }
        let fewer = terms.filter { $0.slots != 8..<12 }
        var again = TreeSum(tree)
        for term in fewer { again.take(floats(term), over: term.slots) }
        let other = try #require(try again.finish(leavingOut: [5, 8, 9, 10, 11]))
        shard.begin(reduction(fewer, slotCount: 13, number: 2))
        #expect(shard.ready.isEmpty)
        let (newMemory, newStart) = try #require(shard.advance())
        #expect(Array(newMemory.elements[newStart..<newStart + 7]) == Array(other.elements[3..<10]))
        #expect(shard.measurement()?.reduction == 2)
    }

    @Test func `grows chunk by chunk`() throws {
        let terms = [ShardSum.Term(worker: 1, slots: 0..<1), ShardSum.Term(worker: 2, slots: 1..<2)]
        let shard = ShardSum(0..<2, round: 1, count: Self.count, chunkBytes: Self.chunkBytes)
        shard.take(own: floats(terms[0]), of: terms[0], chunks: [1])
        shard.begin(reduction(terms, slotCount: 2))
        #expect(shard.advance() == nil)
        var isWhole: [Bool] = []
        try chunk(1, of: terms[1]) { isWhole.append(try shard.take($0, $1, limit: 8)) }
        #expect(shard.advance() != nil && shard.ready == [1])
        try chunk(0, of: terms[1]) { isWhole.append(try shard.take($0, $1, limit: 8)) }
        #expect(shard.advance() != nil && shard.ready == [1])
        #expect(shard.measurement() == nil)
        shard.take(own: floats(terms[0]), of: terms[0], chunks: [0])
        #expect(shard.advance() != nil && shard.ready == [1, 0])
        #expect(isWhole == [false, true])
    }

    @Test func `holds no more sums of one worker than it may, and no chunks that are not its own`() throws {
        let shard = ShardSum(0..<2, round: 1, count: Self.count, chunkBytes: Self.chunkBytes)
        for slot in 0..<3 {
            try chunk(0, of: .init(worker: 2, slots: slot..<slot + 1)) { _ = try shard.take($0, $1, limit: 3) }
        }
        #expect(throws: WireError.self) {
            try chunk(0, of: .init(worker: 2, slots: 3..<4)) { _ = try shard.take($0, $1, limit: 3) }
        }
        #expect(throws: WireError.self) {
            try chunk(2, of: .init(worker: 2, slots: 0..<1)) { _ = try shard.take($0, $1, limit: 3) }
        }
    }
}
