import Recipe
import Testing
import Wire

@testable import Coordination

@Suite struct `The way of the gradients` {
    private func member(_ number: UInt32, _ reached: [UInt32], isOpen: Bool = true) -> (
        id: WorkerID, isOpen: Bool, reached: Set<WorkerID>
    ) {
        (WorkerID(number), isOpen, Set(reached.map { WorkerID($0) }))
    }

    @Test func `gives a shard to everybody whom all others can reach`() throws {
        let cut = try #require(shards(of: 10, among: [member(1, [2, 3]), member(2, [1, 3]), member(3, [1, 2])]))
        #expect(cut.map(\.owner) == [1, 2, 3])
        #expect(cut.compactMap(\.chunks) == [0..<3, 3..<6, 6..<10])
    }

    @Test func `gives none to who cannot be reached by one of them`() throws {
        let cut = try #require(shards(of: 4, among: [member(1, [2]), member(2, [1, 3]), member(3, [1, 2])]))
        #expect(cut.map(\.owner) == [1, 2])
        #expect(shards(of: 4, among: [member(1, [2]), member(2, [], isOpen: true)]) == nil)
        #expect(shards(of: 4, among: [member(1, [2]), member(2, [1], isOpen: false)]) == nil)
        #expect(shards(of: 1, among: [member(1, [2]), member(2, [1])]) == nil)
        #expect(shards(of: 3, among: []) == nil)
    }

    @Test func `changes when the star costs much of a step, and back when shards cost more`() {
        var way = TopologyChoice(.auto)
        for _ in 0..<2 { #expect(way.measured(moving: 2, of: 4, sharded: false, workers: 4, canShard: true) == nil) }
        #expect(!way.shards(at: .zero))
        let said = way.measured(moving: 2, of: 4, sharded: false, workers: 4, canShard: true)
        #expect(said?.contains("500 ms a step is predicted") == true)
        #expect(way.shards(at: .zero))
        #expect(way.measured(moving: 3, of: 5, sharded: true, workers: 4, canShard: true) == nil)
        #expect(way.measured(moving: 3, of: 5, sharded: true, workers: 4, canShard: true) != nil)
        #expect(!way.shards(at: .zero))
        for _ in 0..<9 { #expect(way.measured(moving: 2, of: 4, sharded: false, workers: 4, canShard: true) == nil) }
    }

    @Test func `stays a star where that costs next to nothing, or where workers cannot meet`() {
        var way = TopologyChoice(.auto)
        for _ in 0..<9 { #expect(way.measured(moving: 0.1, of: 4, sharded: false, workers: 4, canShard: true) == nil) }
        for _ in 0..<9 { #expect(way.measured(moving: 2, of: 4, sharded: false, workers: 4, canShard: false) == nil) }
        #expect(!way.shards(at: .zero))
    }

    @Test func `is a star for a while after something went wrong, for longer each time`() {
        var way = TopologyChoice(.sharded)
        #expect(way.shards(at: .zero))
        way.failed(at: .zero)
        #expect(!way.shards(at: .seconds(29)))
        #expect(way.shards(at: .seconds(30)))
        way.failed(at: .seconds(30))
        #expect(!way.shards(at: .seconds(89)))
        #expect(way.shards(at: .seconds(90)))
        let star = TopologyChoice(.star)
        #expect(!star.shards(at: .zero))
    }
}

@Suite struct `This box's own address` {
    @Test func `on the way to the loopback is the loopback's`() throws {
        #expect(try Address(host: "127.0.0.1", port: 5570).ownHost == "127.0.0.1")
    }

    @Test func `on the way to a name that nobody has is none`() {
        #expect(throws: Address.Unreachable.self) { try Address(host: "nobody.invalid", port: 5570).ownHost }
    }
}
