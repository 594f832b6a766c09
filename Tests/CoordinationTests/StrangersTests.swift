import Testing
import Wire

@testable import Coordination

@Suite struct `Strangers at the door` {
    private func endpoint(_ number: Int) -> PeerEndpoint { PeerEndpoint(host: "10.0.0.1", port: UInt16(number)) }

    /// Connections 0..<count, none of which anybody known has spoken on.
    private func crowd(_ count: CInt, _ limits: Strangers.Limits) -> Strangers {
        var strangers = Strangers(limits)
        for number in 0..<count { strangers.accepted(number, from: endpoint(Int(number))) }
        return strangers
    }

    @Test func `are cut off when they are too many, the oldest first, and each once`() {
        var strangers = crowd(7, Strangers.Limits(count: 4))
        #expect(strangers.surplus { _ in 0 }.map(\.descriptor) == [0, 1, 2])
        #expect(strangers.surplus { _ in 0 } == [])
        strangers.accepted(7, from: endpoint(7))
        let last = strangers.surplus { _ in 0 }
        #expect(last == [Strangers.Surplus(descriptor: 3, endpoint: endpoint(3), reason: .crowd)])
        #expect(strangers.ended(3) == last[0] && strangers.ended(4) == nil)
    }

    @Test func `are none when somebody known has spoken, until that one has left`() {
        var strangers = crowd(3, Strangers.Limits(count: 1))
        strangers.vouch(for: 0, as: .worker(WorkerID(1)), key: nil)
        strangers.vouch(for: 1, as: .anOperator, key: nil)
        #expect(!strangers.isEmpty && strangers.surplus { _ in 0 } == [])
        strangers.vouch(for: 2, as: .worker(WorkerID(2)), key: nil)
        #expect(strangers.isEmpty)
        strangers.forget(WorkerID(2))
        #expect(!strangers.isEmpty && strangers.surplus { _ in 0 } == [])
        strangers.accepted(3, from: endpoint(3))
        #expect(strangers.surplus { _ in 0 }.map(\.descriptor) == [2])
    }

    @Test func `are cut off when one of them sends too much, or all of them together`() {
        var strangers = crowd(4, Strangers.Limits(bytes: 100, allBytes: 200))
        #expect(strangers.surplus { [10, 101, 20, 30][Int($0)] }.map(\.descriptor) == [1])
        #expect(strangers.surplus { [90, 0, 40, 80][Int($0)] }.map(\.descriptor) == [0])
        #expect(strangers.surplus { _ in 90 } == [])
    }

    @Test func `may have sent what they like while they were known`() {
        var strangers = crowd(1, Strangers.Limits(bytes: 100))
        strangers.vouch(for: 0, as: .worker(WorkerID(1)), key: nil)
        #expect(strangers.surplus { _ in 1_000_000 } == [])
        strangers.forget(WorkerID(1))
        #expect(strangers.surplus { _ in 1_000_000 } == [])
        #expect(strangers.surplus { _ in 1_000_101 }.map(\.reason) == [.chatter])
    }

    @Test func `whose descriptor is another's by now are forgotten`() {
        var strangers = crowd(1, Strangers.Limits(count: 0))
        #expect(strangers.surplus { _ in nil }.count == 1)
        strangers.accepted(0, from: endpoint(9))
        #expect(strangers.surplus { _ in nil }.map(\.endpoint) == [endpoint(9)])
    }

    @Test func `are all who have not spoken with a key that is left, when keys are taken back`() {
        var strangers = crowd(5, Strangers.Limits())
        strangers.vouch(for: 0, as: .worker(WorkerID(1)), key: "stays")
        strangers.vouch(for: 1, as: .worker(WorkerID(2)), key: "goes")
        strangers.vouch(for: 2, as: .anOperator, key: "goes")
        strangers.vouch(for: 3, as: .worker(WorkerID(3)), key: "goes")
        #expect(strangers.workers(without: ["stays"]) == [WorkerID(2): "goes", WorkerID(3): "goes"])
        strangers.forget(WorkerID(3))
        let cut = strangers.keep(keys: ["stays"])
        #expect(cut.map(\.descriptor) == [1, 2, 3, 4])
        #expect(strangers.ended(1)?.reason == .unknownKey("goes") && strangers.ended(3)?.reason == .unknownKey("goes"))
        // Nobody was turned away who may come again.
        #expect(strangers.ended(4) == nil && strangers.keep(keys: ["stays"]) == [])
    }
}
