import Foundation
import Recipe
import Synchronization
import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite(.serialized) struct `Data ports with keys` {
    private static let run = RunID(3, 1)
    private let clock = ContinuousClock()
    private let began = ContinuousClock.now

    private func stamp(_ number: UInt32) -> Stamp {
        Stamp(run: Self.run, incarnation: UInt64(number) + 100, worker: WorkerID(number))
    }

    private func desk(_ number: UInt32) throws -> PeerDesk {
        let desk = try PeerDesk(Address(host: "127.0.0.1", port: 0), isProtected: true, in: Context())
        desk.begin(
            Welcome(run: Data(), bulkPort: 1, parameterCount: 64, chunkBytes: 64, creditChunks: 4, threads: 1),
            stamp(number))
        return desk
    }

    private func peers(_ desks: [UInt32: PeerDesk]) -> [PeerAddress] {
        desks.sorted { $0.key < $1.key }.map {
            PeerAddress(
                worker: WorkerID($0), incarnation: stamp($0).incarnation, address: $1.address, key: $1.publicKey)
        }
    }

    /// Lets the desks work until something is so.
    @discardableResult
    private func work(_ desks: [PeerDesk], until isDone: () throws -> Bool) throws -> [String] {
        var said: [String] = []
        let deadline = clock.now + .seconds(8)
        while try !isDone() {
            guard clock.now < deadline else { throw HandmadeWorker.Unexpected(message: "nothing in 8 s") }
            _ = try poll(desks.flatMap(\.interests), timeout: .milliseconds(5))
            for desk in desks {
                try desk.read { _, _ in }
                said += try desk.pump(at: clock.now - began)
            }
        }
        return said
    }

    /// Somebody with a pair of keys at a port.
    private final class Caller {
        private let context: Context
        let socket: Socket
        private let monitor: SocketMonitor

        init(at desk: PeerDesk, _ keys: KeyPair) throws {
            context = try Context()
            socket = try Socket(.dealer, in: context)
            try socket.identify(with: keys, to: desk.publicKey ?? "")
            monitor = try SocketMonitor(of: socket, in: context)
            try socket.connect(desk.address ?? "")
        }

        /// What its handshake has come to.
        func outcome() throws -> SocketEvent? {
            while let event = try monitor.next() {
                if [.unwelcome, .greeted, .greetingBroken, .greetingMismatched].contains(event) { return event }
            }
            return nil
        }
    }

    private func outcome(of caller: Caller, at desk: PeerDesk) throws -> SocketEvent? {
        var event: SocketEvent?
        try work([desk]) {
            event = try caller.outcome()
            return event != nil
        }
        return event
    }

    @Test func `let in whom the coordinator vouches for, as soon as it does`() throws {
        let (one, two) = (try desk(1), try desk(2))
        let all = peers([1: one, 2: two])
        // The second hears of the first, and knocks, before the first has heard of it.
        try two.meet(all)
        let began = clock.now
        try work([one, two]) { clock.now - began > .milliseconds(300) }
        #expect(two.reached.isEmpty)
        try one.meet(all)
        let said = try work([one, two]) { one.reached == [2] && two.reached == [1] }
        #expect(said.isEmpty)
    }

    @Test func `turn a stranger away, and say so`() throws {
        let one = try desk(1)
        try one.meet(peers([1: one]))
        let keys = try KeyPair.random()
        #expect(try outcome(of: Caller(at: one, keys), at: one) == .unwelcome)
        var said: [String] = []
        let deadline = clock.now + .seconds(8)
        while said.isEmpty, clock.now < deadline {
            said = try one.pump(at: clock.now - began)
            Thread.sleep(forTimeInterval: 0.01)
        }
        #expect(
            said == [
                "the data port has turned away 127.0.0.1: its key \(keys.publicKey) is that of no worker of this run"
            ])
    }

    @Test func `turn away whoever uses no key`() throws {
        let one = try desk(1)
        let context = try Context()
        let plain = try Socket(.dealer, in: context)
        try plain.connect(one.address ?? "")
        try plain.send(postcard(Header(.hello, stamp(2))))
        let began = clock.now
        try work([one]) { clock.now - began > .milliseconds(300) }
        #expect(try plain.receive(maximumFrames: 2) == nil)
    }

    @Test func `let nobody in who has left the run, and heed no connection that is left of it`() throws {
        let (one, two) = (try desk(1), try desk(2))
        let keys = try KeyPair.random()
        let leaver = PeerAddress(
            worker: WorkerID(3), incarnation: stamp(3).incarnation, address: nil, key: keys.publicKey)
        try one.meet(peers([1: one, 2: two]) + [leaver])
        let early = try Caller(at: one, keys)
        #expect(try outcome(of: early, at: one) == .greeted)
        try early.socket.send(postcard(Header(.hello, stamp(3))))
        try work([one]) { try early.socket.receive(maximumFrames: 2) != nil }

        try one.meet(peers([1: one, 2: two]))
        try early.socket.send(postcard(Header(.hello, stamp(3))))
        #expect(try outcome(of: Caller(at: one, keys), at: one) == .unwelcome)
        #expect(try early.socket.receive(maximumFrames: 2) == nil)
    }

    @Test func `do not take one worker's word for another's`() throws {
        let (one, two) = (try desk(1), try desk(2))
        let keys = try KeyPair.random()
        let third = PeerAddress(
            worker: WorkerID(3), incarnation: stamp(3).incarnation, address: nil, key: keys.publicKey)
        try one.meet(peers([1: one, 2: two]) + [third])
        let caller = try Caller(at: one, keys)
        // In the name of the second, and after that in its own: only the second letter is answered.
        try caller.socket.send(postcard(Header(.hello, stamp(2))))
        try caller.socket.send(postcard(Header(.hello, stamp(3))))
        try work([one]) { try caller.socket.receive(maximumFrames: 2) != nil }
        #expect(try caller.socket.receive(maximumFrames: 2) == nil)
    }

    @Test func `carry the sums of a whole run, in the bits of a star`() throws {
        let files = try TemporaryKeys()
        var configuration = LoopbackCluster.configuration(minimumWorkers: 3)
        configuration.identity = try files.identity()
        configuration.topology = .sharded
        let master = StraightLineMaster(totalSteps: `A cluster on the loopback`.steps)
        let service = try CoordinatorService(configuration, master: master, observe: { _ in })
        // One key file serves them all.
        let key = try files.key("worker")
        let workers = try (1...3).map {
            try LoopbackWorker("worker/\($0)", at: service.address, hasDataPort: true, key: key)
        }
        #expect(try service.run() == .complete)
        #expect(master.weights == `A cluster on the loopback`.expected)
        #expect(master.contributions.filter(\.isSharded).count == `A cluster on the loopback`.steps)
        for worker in workers { _ = try worker.end() }
    }

    @Test func `are chosen by measurement where workers have keys`() throws {
        let files = try TemporaryKeys()
        var configuration = LoopbackCluster.configuration(minimumWorkers: 3)
        configuration.identity = try files.identity()
        configuration.topology = .auto
        let running = try RunningCoordinator(configuration, StraightLineMaster(totalSteps: 12)) { _ in }
        let key = try files.key("worker")
        let workers = try (1...3).map {
            try LoopbackWorker("worker/\($0)", at: running.address, hasDataPort: true, key: key)
        }
        let result = try running.result()
        #expect(result.contributions.first?.isSharded == false)
        #expect(result.contributions.filter(\.isSharded).count > 0)
        #expect(running.notes().contains { "\($0)".contains("workers add up gradients among themselves now") })
        for worker in workers { _ = try worker.end() }
    }
}
