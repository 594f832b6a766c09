import Coordination
import Foundation
import TestSupport
import Testing
import Wire

/// libzmq's own oracle: whatever is done to the ports, whoever behaves gets on with its work meanwhile.
@Suite(.serialized) struct `While its ports are attacked, a coordinator` {
    static let megabyte = 1 << 20

    /// Lets an attack happen to both ports of a coordinator with a worker, which completes steps all the while: it goes on
    /// until it has done so, in its first half and in its second.
    ///
    /// - Parameters:
    ///   - memory: bytes that the coordinator may grow by.
    ///   - keys: with one for `worker`, whom no attacker may speak for; nil lets everybody in.
    ///   - attack: is told a port and how often it has been called; what it returns stays open meanwhile.
    func endure(
        _ name: String, rounds: Int, memory: Int, openFiles: Int? = nil, keys: KeysFolder? = nil,
        attack: (_ port: UInt16, _ round: Int) throws -> [AnyObject]
    ) throws {
        let coordinator = try LiveCoordinator(
            workers: 1, parameters: 20_000, steps: 1_000_000, options: keys.map { ["--keys", $0.path] } ?? [],
            openFiles: openFiles)
        let key = try keys.map { try KeyFile.client($0.key("worker")) }
        let worker = try GoodWorker("worker", at: coordinator.address, key: key)
        try #require(worker.completes(5, within: 30), "no steps before the attack: \(coordinator.notes)")
        let calm = try coordinator.openFiles
        let before = try coordinator.memory.now
        var connections: [AnyObject] = []
        var stepsDuring: [Int] = []
        var rest = 0..<rounds
        for half in [rest.prefix(rounds / 2), rest.suffix(rounds - rounds / 2)] {
            let (stepsBefore, deadline) = (worker.steps, Date(timeIntervalSinceNow: 20))
            rest = half
            while !rest.isEmpty || worker.steps < stepsBefore + 3 && Date() < deadline {
                // Where all of it is over before a step is, it begins anew, more slowly.
                if rest.isEmpty { Thread.sleep(forTimeInterval: 0.01) }
                let round = rest.popFirst() ?? half.lowerBound + connections.count % max(1, half.count)
                let port = coordinator.address.port
                connections += try attack(round % 2 == 0 ? port : coordinator.bulkPort, round)
            }
            stepsDuring.append(worker.steps - stepsBefore)
        }
        var heldDuring = try coordinator.openFiles
        #expect(stepsDuring.allSatisfy { $0 >= 3 }, "\(stepsDuring) steps during '\(name)': \(coordinator.notes)")
        #expect(worker.completes(5, within: 20), "no steps after '\(name)': \(coordinator.notes)")
        let growth = try coordinator.memory.most - before
        print("\(name): \(growth >> 20) MiB, \(heldDuring - calm) descriptors, \(stepsDuring) steps meanwhile")
        #expect(growth < memory, "'\(name)' cost \(growth >> 20) MiB")
        // Who is cut off is closed by another thread, a little later.
        _ = try LiveCoordinator.wait(within: 2) {
            heldDuring = try coordinator.openFiles
            return heldDuring - calm < 320
        }
        #expect(heldDuring - calm < 320, "'\(name)' cost \(heldDuring - calm) descriptors")
        // Another one gets in.
        let late = try GoodWorker("worker/late", at: coordinator.address, key: key)
        #expect(late.completes(1, within: 20), "nobody can join during '\(name)': \(coordinator.notes)")
        _ = late.leave()
        withExtendedLifetime(connections) {}
        connections = []
        let hasRecovered = try LiveCoordinator.wait(within: 12) { try coordinator.openFiles <= calm + 4 }
        let left = try coordinator.openFiles
        #expect(hasRecovered, "\(left - calm) descriptors are not given back after '\(name)'")
        #expect(!coordinator.notes.contains("(worker) is gone"))
        #expect(worker.leave())
    }

    @Test func `Case 20: is not held up by connections that say nothing, or half a greeting now and then`() throws {
        try endure("half-open handshakes", rounds: 500, memory: 32 * Self.megabyte) { port, round in
            let connection = try RawConnection(to: port)
            if round % 3 > 0 { connection.say(Array(ZMTP.handshake.prefix(round % 80))) }
            return [connection]
        }
    }

    @Test func `Case 20: keeps working and lets others in when there are more connections than descriptors`() throws {
        try endure("no descriptors left", rounds: 600, memory: 32 * Self.megabyte, openFiles: 200) { port, _ in
            [try RawConnection(to: port)]
        }
    }

    @Test func `Case 20: cuts off the oldest of hundreds who greet and never join`() throws {
        try endure("hundreds of strangers", rounds: 500, memory: 64 * Self.megabyte) { port, _ in
            let connection = try RawConnection(to: port)
            connection.say(ZMTP.handshake)
            return [connection]
        }
    }

    @Test func `Case 19: takes no memory for garbage, and none for a frame that says it is huge`() throws {
        var random = SeededGenerator(seed: 6)
        try endure("garbage and huge frames", rounds: 120, memory: 64 * Self.megabyte) { port, round in
            let connection = try RawConnection(to: port)
            switch round % 4 {
            case 0, 1: connection.say((0..<4000).map { _ in UInt8.random(in: 0...255, using: &random) })
            case 2: connection.say(ZMTP.handshake + ZMTP.head(1 << 62))
            default: connection.say(ZMTP.handshake + ZMTP.head(8 << 30) + [UInt8](repeating: 1, count: 1 << 16))
            }
            return [connection]
        }
    }

    @Test func `Case 19: bounds what a stranger may send of a message that never ends`() throws {
        let piece = ZMTP.message([[UInt8](repeating: 1, count: 500_000)]).dropFirst()
        try endure("endless messages", rounds: 8, memory: 256 * Self.megabyte) { port, _ in
            let connection = try RawConnection(to: port)
            connection.say(ZMTP.handshake)
            // A gigabyte, if it were let.
            for _ in 0..<2000 where !connection.say([3] + piece) { return [connection] }
            Issue.record("a stranger may send a gigabyte")
            return [connection]
        }
    }

    @Test func `Case 19: answers a million tiny messages with work for its workers`() throws {
        let tiny = Array(repeatElement([0, 1, 7] as [UInt8], count: 20_000).joined())
        var sent = 0
        try endure("a million tiny messages", rounds: 10, memory: 64 * Self.megabyte) { port, _ in
            let connection = try RawConnection(to: port)
            connection.say(ZMTP.handshake)
            let until = Date(timeIntervalSinceNow: 0.5)
            for _ in 0..<5 where Date() < until {
                guard connection.say(tiny) else { break }
                sent += 20_000
            }
            return [connection]
        }
        print("\(sent) tiny messages")
        #expect(sent > 100_000, "only \(sent) messages were taken")
    }

    @Test func `Case 19: drops messages with headers of garbage, of others' lives, and of truncated frames`() throws {
        var random = SeededGenerator(seed: 7)
        try endure("garbage headers", rounds: 60, memory: 64 * Self.megabyte) { port, round in
            let connection = try RawConnection(to: port)
            connection.say(ZMTP.handshake)
            for _ in 0..<50 {
                let kind = Header.Kind.allCases.randomElement(using: &random) ?? .control
                let run = RunID(random.next(), random.next())
                let stamp = Stamp(run: run, incarnation: random.next(), worker: WorkerID(1))
                let payload = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
                var bytes = payload.withUnsafeBytes { Header(kind, stamp).describing($0) }.bytes
                if Bool.random(using: &random) { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 }
                connection.say(ZMTP.message([bytes, payload]))
                connection.say(ZMTP.message([bytes]))
            }
            // A frame of which half never comes.
            connection.say(ZMTP.head(1 << 18, more: round % 2 == 0) + [UInt8](repeating: 2, count: 1 << 17))
            return [connection]
        }
    }
}
