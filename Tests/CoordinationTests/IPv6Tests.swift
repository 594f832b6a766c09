import Foundation
import Testing
import Wire
import ZeroMQ

@testable import Coordination

/// Whether this machine has an IPv6 loopback at all.
private let hasIPv6 = NetworkInterfaces.all().contains { $0.host == "[::1]" }

@Suite(.serialized, .enabled(if: hasIPv6, "this machine has no IPv6 loopback"))
struct `A cluster on the IPv6 loopback` {
    private func start(_ host: String, identity: CoordinatorIdentity? = nil) throws -> RunningCoordinator {
        var configuration = LoopbackCluster.configuration(minimumWorkers: 2)
        configuration.address = Address(host: host, port: 0)
        configuration.identity = identity
        return try RunningCoordinator(configuration, StraightLineMaster(totalSteps: 12), observe: { _ in })
    }

    @Test func `makes the same bits, and tells twins apart by address and port`() throws {
        let running = try start("[::1]")
        #expect("\(running.address)".hasPrefix("tcp://[::1]:"))
        let twin = try HandmadeWorker(at: running.address)
        let first = try LoopbackWorker("first", at: running.address)
        let deadline = Date(timeIntervalSinceNow: 5)
        while !running.notes().contains(where: { "\($0)".contains("(first) joined") }), Date() < deadline {
            Thread.sleep(forTimeInterval: 0.01)
        }
        try twin.say(.join(LoopbackCluster.application("first")))
        guard case .refused(let refusal) = try twin.hear() else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.mine.hasPrefix("taken by worker 1 (from [::1]:"))
        let second = try LoopbackWorker("second", at: running.address)
        #expect(try running.result().weights == `A cluster on the loopback`.expected)
        for worker in [first, second] {
            #expect(try worker.end() == .dismissed(finished: true, reason: "the run is complete"))
        }
    }

    @Test func `and one that listens to both families lets in workers of both, with keys`() throws {
        let keys = try TemporaryKeys()
        let running = try start("[::]", identity: keys.identity())
        let workers = try ["[::1]", "127.0.0.1"].map { host in
            try LoopbackWorker(
                "worker/\(host.count)", at: Address(host: host, port: running.address.port), key: keys.key("worker"))
        }
        #expect(try running.result().weights == `A cluster on the loopback`.expected)
        for worker in workers { _ = try worker.end() }
    }
}
