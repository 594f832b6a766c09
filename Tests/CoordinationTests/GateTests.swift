import Foundation
import Synchronization
import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite(.serialized) struct `A coordinator with keys` {
    private let keys: TemporaryKeys

    init() throws { keys = try TemporaryKeys() }

    private func start(steps: Int = 12, minimumWorkers: Int = 1) throws -> RunningCoordinator {
        var configuration = LoopbackCluster.configuration(minimumWorkers: minimumWorkers)
        configuration.identity = try keys.identity()
        return try RunningCoordinator(configuration, StraightLineMaster(totalSteps: steps), observe: { _ in })
    }

    private func stop(_ running: RunningCoordinator) throws -> RunningCoordinator.Ended {
        for _ in 0..<2 { running.commands.put(.stop(reason: "enough")) }
        return try running.result()
    }

    /// Waits until the coordinator has said something of this kind.
    private func wait(_ running: RunningCoordinator, for words: String, within seconds: Double = 5) throws -> String {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            if let note = running.notes().first(where: { "\($0)".contains(words) }) { return "\(note)" }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw HandmadeWorker.Unexpected(message: "no '\(words)' among \(running.notes())")
    }

    /// What a worker says.
    private final class Words: Sendable {
        private let all = Mutex<[String]>([])

        func add(_ sentence: String) { all.withLock { $0.append(sentence) } }

        func wait(for words: String, within seconds: Double = 8) throws {
            let deadline = Date(timeIntervalSinceNow: seconds)
            while Date() < deadline {
                if all.withLock({ $0.contains { $0.contains(words) } }) { return }
                Thread.sleep(forTimeInterval: 0.01)
            }
            throw HandmadeWorker.Unexpected(message: "no '\(words)' among \(all.withLock { $0 })")
        }
    }

    @Test func `trains with workers whose keys are on its list`() throws {
        let running = try start(minimumWorkers: 3)
        let workers = try ["worker", "worker/second", "gpu1"].map {
            try LoopbackWorker($0, at: running.address, key: keys.key($0 == "gpu1" ? "gpu1" : "worker"))
        }
        let result = try running.result()
        #expect(result.weights == `A cluster on the loopback`.expected)
        #expect(result.dropped == Coordinator.Dropped())
        for worker in workers { #expect(try worker.end() == .dismissed(finished: true, reason: "the run is complete")) }
    }

    @Test func `lets in a key that is put on its list while it runs`() throws {
        let running = try start()
        let late = try keys.key("late")
        _ = try wait(running, for: "read anew: 3 keys")
        let worker = try LoopbackWorker("late", at: running.address, key: late)
        #expect(try running.result().weights == `A cluster on the loopback`.expected)
        _ = try worker.end()
    }

    @Test func `turns an unknown key away, says whence it came, and the worker says why`() throws {
        let running = try start()
        let unknown = KeyFile(
            name: "nobody", keys: try KeyPair.random(), coordinator: try keys.identity().keys.publicKey)
        let words = Words()
        let worker = try LoopbackWorker("nobody", at: running.address, key: unknown, observe: words.add)
        let note = try wait(running, for: "turned away 127.0.0.1")
        #expect(note.contains("its key \(unknown.keys.publicKey) is not on the list of authorized keys"))
        try words.wait(for: "its key 'nobody' is not on the coordinator's list of authorized keys")
        worker.service.commands.put(.stop)
        #expect(try worker.end() == .left)
        _ = try stop(running)
    }

    @Test func `is not reached without a key, and the worker says what it lacks`() throws {
        let running = try start()
        let words = Words()
        let worker = try LoopbackWorker("open", at: running.address, observe: words.add)
        try words.wait(for: "asks for a key")
        _ = try wait(running, for: "turned away 127.0.0.1")
        worker.service.commands.put(.stop)
        _ = try worker.end()
        _ = try stop(running)
    }

    @Test func `is not taken for another, and a worker of another says so`() throws {
        let running = try start()
        let elsewhere = try KeyPair.random().publicKey
        let words = Words()
        let key = KeyFile(name: "worker", keys: try keys.key("worker").keys, coordinator: elsewhere)
        let worker = try LoopbackWorker("worker", at: running.address, key: key, observe: words.add)
        try words.wait(for: "is not the coordinator that this key is for")
        _ = try wait(running, for: "its key is for another coordinator")
        worker.service.commands.put(.stop)
        _ = try worker.end()
        _ = try stop(running)
    }

    @Test func `refuses a worker that goes by another's name`() throws {
        let running = try start()
        let worker = try LoopbackWorker("gpu2", at: running.address, key: keys.key("worker"))
        guard case .refused(let refusal) = try worker.end() else {
            Issue.record("not refused")
            return
        }
        #expect(
            "\(refusal)"
                == "the worker name is 'gpu2' here and 'worker' by its key at the coordinator: call it 'worker' or "
                + "'worker/…', or use another key")
        #expect(try stop(running).dropped.foreign == 1)
    }

    @Test func `drops what one worker sends in another's name, on bulk and on control`() throws {
        _ = try keys.key("mallory")
        let running = try start(minimumWorkers: 2)
        let victim = try HandmadeWorker(at: running.address, key: keys.key("worker"))
        try victim.say(.join(LoopbackCluster.application("worker")))
        guard case .welcome(let welcome) = try victim.hear() else {
            Issue.record("not welcome")
            return
        }
        let context = try Context()
        let bulk = try HandmadeBulk(
            Address(host: "127.0.0.1", port: welcome.bulkPort), victim.stamp, context, key: keys.key("mallory"))
        let control = try Socket(.dealer, in: context)
        try keys.key("mallory").secure(control)
        try control.connect("\(running.address)")
        try control.send(HandmadeWorker.frames(.leave, stamp: victim.stamp))
        _ = try wait(running, for: "the key of 'mallory' cannot speak for worker 'worker'")
        try victim.say(.ping(Status()))
        guard case .pong = try victim.hear() else {
            Issue.record("the victim has been thrown out")
            return
        }
        _ = bulk.stamp
        #expect(try stop(running).dropped.foreign >= 1)
    }

    @Test func `lets a worker go whose key is taken off the list, and goes on with the others`() throws {
        let gone = try keys.key("gone")
        let running = try start(steps: 100, minimumWorkers: 2)
        let slow: @Sendable (StraightLineLearner) -> Void = { learner in
            learner.before = { _, _ in Thread.sleep(forTimeInterval: 0.002) }
        }
        let stays = try LoopbackWorker("worker", at: running.address, key: keys.key("worker"), prepare: slow)
        let goes = try LoopbackWorker("gone", at: running.address, key: gone, prepare: slow)
        _ = try wait(running, for: "(gone) is ready")
        try keys.revoke("gone")
        guard case .refused(let refusal) = try goes.end() else {
            Issue.record("not refused")
            return
        }
        #expect("\(refusal)".contains("the key is that of 'gone' here and not on the list of authorized keys"))
        _ = try wait(running, for: "(gone) is gone: its key was revoked")
        #expect(try running.result().finish == .complete)
        _ = try stays.end()
    }

    /// Waits until a socket's connection has been cut off, and has not been let in again.
    private func waitForCut(_ monitor: SocketMonitor) throws {
        let deadline = Date(timeIntervalSinceNow: 20)
        var isCut = false
        while Date() < deadline {
            _ = try poll([monitor.interest], timeout: .milliseconds(100))
            while let event = try monitor.next() {
                if case .disconnected = event { isCut = true }
                if isCut, event == .unwelcome { return }
            }
        }
        throw HandmadeWorker.Unexpected(message: isCut ? "cut off, and never turned away" : "not cut off")
    }

    @Test func `cuts the connections of a key that is taken off the list, though nobody speaks on them`() throws {
        let gone = try keys.key("gone")
        let running = try start(steps: 100_000)
        let stays = try LoopbackWorker("worker", at: running.address, key: keys.key("worker"))
        _ = try wait(running, for: "(worker) is ready")
        let goes = try HandmadeWorker(at: running.address, key: gone)
        try goes.say(.join(LoopbackCluster.application("gone")))
        guard case .welcome(let welcome) = try goes.hear() else {
            Issue.record("not welcome")
            return
        }
        let bulk = try HandmadeBulk(
            Address(host: "127.0.0.1", port: welcome.bulkPort), goes.stamp, goes.context, key: gone)
        let silent = try Socket(.dealer, in: goes.context)
        try gone.secure(silent)
        let monitors = try [
            SocketMonitor(of: goes.control, in: goes.context), SocketMonitor(of: bulk.socket, in: goes.context),
            SocketMonitor(of: silent, in: goes.context),
        ]
        try silent.connect("\(running.address)")
        // What comes behind this has been let in before.
        while try monitors[2].next() != .greeted { _ = try poll([monitors[2].interest], timeout: .seconds(1)) }
        try keys.revoke("gone")
        for monitor in monitors { try waitForCut(monitor) }
        let ended = try stop(running)
        let welcomes = running.notes().count { "\($0)".contains("(worker) is ready") }
        #expect(welcomes == 1, "another key's bearer was cut off")
        #expect(ended.dropped == Coordinator.Dropped(), "it took somebody's word to notice")
        _ = try stays.end()
    }

    @Test func `keeps its last good list when the file is broken, and says where`() throws {
        let running = try start()
        try keys.write(list: "nonsense\n")
        let note = try wait(running, for: "authorized_keys:1: the first word is no public key")
        #expect(note.hasSuffix("the list stays as it was"))
        let worker = try LoopbackWorker("worker", at: running.address, key: keys.key("worker"))
        #expect(try running.result().weights == `A cluster on the loopback`.expected)
        _ = try worker.end()
    }

    @Test func `heeds operators, and nobody else`() throws {
        let running = try start(steps: 100_000)
        let pilot = try keys.key("operator")
        #expect(try OperatorLine(to: running.address, key: pilot).ask(.status).isDone)
        let worker = try keys.key("worker")
        let denied = try OperatorLine(to: running.address, key: worker).ask(.stop)
        #expect(!denied.isDone && denied.sentence.contains("this key is not an operator's"))
        #expect(try OperatorLine(to: running.address, key: pilot).ask(.stop).isDone)
        _ = try running.result()
    }

    @Test func `listens to the world`() throws {
        var configuration = LoopbackCluster.configuration()
        configuration.address = Address(host: "0.0.0.0", port: 0)
        configuration.identity = try keys.identity()
        let running = try RunningCoordinator(configuration, StraightLineMaster(totalSteps: 2), observe: { _ in })
        let worker = try LoopbackWorker(
            "worker", at: Address(host: "127.0.0.1", port: running.address.port), key: keys.key("worker"))
        #expect(try running.result().finish == .complete)
        _ = try worker.end()
    }
}

@Suite struct `Who was turned away` {
    @Test func `is said at once, then counted and said now and then`() {
        var book = TurnedAway(pause: .seconds(30))
        book.add(.mismatched, from: "10.0.0.7")
        let first = ["turned away 10.0.0.7: it uses no key: start the worker there with --key"]
        #expect(book.takeSentences(at: .zero, isProtected: true) == first)
        for _ in 0..<1000 { book.add(.mismatched, from: "10.0.0.7") }
        #expect(book.takeSentences(at: .seconds(29), isProtected: true).isEmpty)
        #expect(book.takeSentences(at: .seconds(30), isProtected: true).first?.contains("(1000 times)") == true)
        #expect(book.takeSentences(at: .seconds(90), isProtected: true).isEmpty)
        #expect(book.count == 1001)
    }

    @Test func `is told apart up to a bound`() {
        var book = TurnedAway(limit: 5)
        for number in 0..<500 { book.add(.broken, from: "10.0.\(number / 250).\(number % 250)") }
        let sentences = book.takeSentences(at: .zero, isProtected: true)
        #expect(sentences.count == 6 && sentences.last?.contains("turned away others (495 times)") == true)
        _ = book.takeSentences(at: .seconds(200), isProtected: true)
        book.add(.broken, from: "10.9.9.9")
        #expect(book.takeSentences(at: .seconds(201), isProtected: true).first?.contains("10.9.9.9") == true)
    }
}

@Suite struct `A worker on its way to the coordinator` {
    private let address = Address(host: "10.0.0.1", port: 5570)

    @Test func `looks where the way ends when there is no connection, and not all the time`() {
        var approach = Approach(to: address, keyName: nil)
        #expect(approach.heard(.retrying, at: .zero) == .look)
        #expect(approach.heard(.retrying, at: .seconds(1)) == .nothing)
        let step = approach.reached(.refused(address: "10.0.0.1"), at: .seconds(2))
        #expect(
            step
                == .say(
                    "10.0.0.1 is there, but nothing listens at its port 5570: start the coordinator, or check the port")
        )
        #expect(approach.heard(.retrying, at: .seconds(6)) == .look)
        #expect(approach.reached(.refused(address: "10.0.0.1"), at: .seconds(7)) == .nothing)
        #expect(approach.heard(.retrying, at: .seconds(90)) == .look)
        #expect(approach.reached(.refused(address: "10.0.0.1"), at: .seconds(91)) == step)
    }

    @Test func `tells one hop from another`() throws {
        let named = Address(host: "no-such-host.invalid", port: 1)
        let unresolved = try #require(Reach.of(named).complaint(named))
        #expect(unresolved.hasPrefix("the name no-such-host.invalid cannot be resolved"))
        // Port 1 of the loopback: nobody listens there.
        let closed = Address(host: "127.0.0.1", port: 1)
        #expect(Reach.of(closed) == .refused(address: "127.0.0.1"))
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.bind("tcp://127.0.0.1:*")
        guard case .open(let ip, _) = Reach.of(try Address(router.endpoint)) else {
            Issue.record("not open")
            return
        }
        #expect(ip == "127.0.0.1")
        let quiet = Reach.silent(address: "10.0.0.1").complaint(address)
        #expect(quiet?.contains("a firewall may drop what is sent to ports 5570 and 5571") == true)
    }
}

@Suite struct `The addresses of this machine` {
    @Test func `leave out containers and the loopback where there are others`() {
        let all: [NetworkInterfaces.Entry] = [
            .init(interface: "lo", host: "127.0.0.1", isLoopback: true),
            .init(interface: "docker0", host: "172.17.0.1"),
            .init(interface: "eth1", host: "[fd00::1]", isIPv6: true), .init(interface: "eth0", host: "10.0.0.1"),
        ]
        func hosts(_ host: String, _ count: Int = 4) -> [String] {
            NetworkInterfaces.reachable(Address(host: host, port: 5570), among: Array(all.prefix(count))).map(\.host)
        }
        #expect(hosts("0.0.0.0") == ["10.0.0.1"])
        #expect(hosts("[::]") == ["10.0.0.1", "[fd00::1]"])
        #expect(hosts("0.0.0.0", 2) == ["172.17.0.1"])
        #expect(hosts("0.0.0.0", 1) == ["127.0.0.1"])
        #expect(hosts("0.0.0.0", 0) == ["127.0.0.1"])
        #expect(hosts("10.0.0.1") == ["10.0.0.1"])
    }

    @Test func `are those that the system knows`() {
        #expect(NetworkInterfaces.all().contains { $0.host == "127.0.0.1" && $0.isLoopback })
    }
}
