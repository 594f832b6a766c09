import Foundation
import Glibc
import Testing
import ZeroMQ

@testable import Coordination

@Suite(.serialized) struct `A check-up of the way to a coordinator` {
    private let keys: TemporaryKeys

    init() throws { keys = try TemporaryKeys() }

    /// What is found, and whether a worker would get through.
    private func examine(_ address: Address, key: KeyFile?) throws -> (Bool, [Checkup.Finding]) {
        var findings: [Checkup.Finding] = []
        let checkup = Checkup(of: address, key: key, patience: .milliseconds(700)) { findings.append($0) }
        let isReached = try checkup.run()
        #expect(isReached == findings.allSatisfy { $0.isGood != false })
        return (isReached, findings)
    }

    private func withCoordinator(hasKeys: Bool, _ body: (RunningCoordinator) throws -> Void) throws {
        var configuration = LoopbackCluster.configuration()
        if hasKeys { configuration.identity = try keys.identity() }
        let running = try RunningCoordinator(
            configuration, StraightLineMaster(totalSteps: 100_000), observe: { _ in })
        try body(running)
        for _ in 0..<2 { running.commands.put(.stop(reason: "enough")) }
        _ = try running.result()
    }

    @Test(arguments: [true, false]) func `tells each hop when all is well`(hasKeys: Bool) throws {
        try withCoordinator(hasKeys: hasKeys) { running in
            let (isReached, findings) = try examine(running.address, key: hasKeys ? keys.key("worker") : nil)
            #expect(isReached)
            let subjects = ["port", "key", "protocol", "round trip", "clock", "bandwidth", "bulk port"]
            #expect(findings.map(\.subject) == subjects)
            #expect(findings.first { $0.subject == "bandwidth" }?.sentence.contains("Mbit/s there, ") == true)
            #expect(findings.first { $0.subject == "clock" }?.sentence.hasPrefix("the same within a second") == true)
        }
    }

    @Test func `names the key when it lacks one, and when it is not on the list`() throws {
        try withCoordinator(hasKeys: true) { running in
            let (_, bare) = try examine(running.address, key: nil)
            #expect(bare.last?.subject == "key" && bare.last?.sentence.contains("asks for a key") == true)
            let stranger = KeyFile(
                name: "nobody", keys: try KeyPair.random(), coordinator: try keys.identity().keys.publicKey)
            let (_, unknown) = try examine(running.address, key: stranger)
            #expect(unknown.last?.sentence.contains("is not on the coordinator's list") == true)
            let lost = KeyFile(name: "worker", keys: stranger.keys, coordinator: stranger.keys.publicKey)
            let (_, other) = try examine(running.address, key: lost)
            #expect(other.last?.sentence.contains("is not the coordinator that this key is for") == true)
        }
    }

    @Test func `names the port when nobody listens, and what listens without a word`() throws {
        let (_, closed) = try examine(Address(host: "127.0.0.1", port: 1), key: nil)
        #expect(closed.map(\.subject) == ["port"])
        let silent = try SilentListener()
        let began = ContinuousClock.now
        let (_, quiet) = try examine(Address(host: "127.0.0.1", port: silent.port), key: nil)
        #expect(quiet.last?.sentence.contains("does not greet as a coordinator") == true)
        #expect(ContinuousClock.now - began < .seconds(5))
    }
}

@Suite struct `What may be had in a second` {
    @Test func `is no more than that`() {
        var allowance = AllowancePerSecond(10)
        let asked: [(Int, Duration)] = [
            (6, .zero), (5, .milliseconds(999)), (4, .milliseconds(999)), (1, .milliseconds(999)), (10, .seconds(1)),
        ]
        let granted = asked.map { allowance.take($0, at: $1) }
        #expect(granted == [true, false, true, false, true])
    }
}

/// A port of the loopback that takes connections in and never says a word.
final class SilentListener {
    let port: UInt16
    private let descriptor: CInt

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isThere = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, pointer, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isThere else { throw HandmadeWorker.Unexpected(message: "no port") }
    }

    deinit { close(descriptor) }
}
