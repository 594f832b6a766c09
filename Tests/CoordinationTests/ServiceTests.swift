import Coordination
import Foundation
import Synchronization
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite(.serialized) struct `A cluster on the loopback` {
    static let steps = 12

    /// What one worker makes of it, without a network.
    static let expected: [Float] = {
        let learner = StraightLineLearner()
        let master = StraightLineMaster(totalSteps: steps)
        while master.step < steps {
            master.withWeights { learner.use(weights: $0, step: master.step) }
            var sums = PartialSums(over: 0..<StraightLine.slots, in: SlotTree(slotCount: StraightLine.slots))
            for slot in 0..<StraightLine.slots {
                let gradient = FlatFloats(count: learner.parameterCount)
                _ = try? learner.gradient(
                    of: slot, step: master.step, lossScale: 1, into: gradient.elements, finished: { _ in })
                for (_, sum) in sums.add(gradient, of: slot) {
                    let outcomes = (0..<StraightLine.slots).map {
                        SlotOutcome(slot: $0, samples: 2, loss: 0, squaredGradientNorm: 0, sampleNames: [])
                    }
                    _ = try? master.apply(
                        sum.elements,
                        StepContribution(
                            step: master.step, round: 0, outcomes: outcomes, leftOut: [], seconds: 0, shares: []))
                }
            }
        }
        return master.weights
    }()

    @Test(arguments: [1, 2, 3, 5])
    func `makes the same bits with any number of workers`(count: Int) throws {
        let master = StraightLineMaster(totalSteps: Self.steps)
        let service = try CoordinatorService(
            LoopbackCluster.configuration(minimumWorkers: count), master: master, observe: { _ in })
        let workers = try (1...count).map { try LoopbackWorker("w\($0)", at: service.address) }
        #expect(try service.run() == .complete)
        #expect(master.weights == Self.expected)
        for worker in workers {
            #expect(try worker.end() == .dismissed(finished: true, reason: "the run is complete"))
        }
        #expect(Set(master.contributions.flatMap { $0.shares.map(\.worker) }).count == count)
        #expect(service.dropped == Coordinator.Dropped())
    }

    /// Runs a coordinator in a thread, for tests that do something else meanwhile.
    private func start(
        _ configuration: CoordinatorService.Configuration, _ master: sending StraightLineMaster,
        observe: @escaping @Sendable (Happening) -> Void = { _ in }
    ) throws -> RunningCoordinator {
        try RunningCoordinator(configuration, master, observe: observe)
    }

    @Test func `loses nothing when a worker vanishes in the middle of sending`() throws {
        let running = try start(
            LoopbackCluster.configuration(minimumWorkers: 3), StraightLineMaster(totalSteps: Self.steps))
        let workers = try (1...2).map { try LoopbackWorker("w\($0)", at: running.address) }
        do {
            let vanishing = try HandmadeWorker(at: running.address)
            let (lease, bulk) = try vanishing.join("vanishing")
            try bulk.sendChunk(0, of: lease)
            try bulk.sendChunk(1, of: lease)
            Thread.sleep(forTimeInterval: 0.05)
        }
        let began = ContinuousClock.now
        let result = try running.result()
        #expect(result.finish == .complete)
        #expect(result.weights == Self.expected)
        #expect(ContinuousClock.now - began < .seconds(5))
        #expect(running.notes().contains { if case .left(_, "vanishing", _) = $0 { true } else { false } })
        for worker in workers { _ = try worker.end() }
    }

    /// Nothing else helps here: pings go on, and nobody is late for a minute.
    @Test func `Case 8: finds a learner that stands still in a slot while its connections live, and goes on`() throws {
        var configuration = LoopbackCluster.configuration(minimumWorkers: 2)
        configuration.sharesBySpeed = false
        configuration.patience.late = .seconds(60)
        configuration.patience.stuck = .seconds(1)
        try #require(configuration.patience.stuck > configuration.patience.dead)
        let isFound = DispatchSemaphore(value: 0)
        let running = try start(configuration, StraightLineMaster(totalSteps: Self.steps)) { happening in
            if case .note(.left(_, "hanging", _)) = happening { isFound.signal() }
        }
        let good = try LoopbackWorker("good", at: running.address)
        let hanging = try LoopbackWorker("hanging", at: running.address) { learner in
            learner.before = { step, _ in
                guard step == 3 else { return }
                isFound.wait()
                isFound.signal()
            }
        }
        defer { isFound.signal() }
        let result = try running.result()
        #expect(result.weights == Self.expected)
        let partings = running.notes().compactMap {
            if case .left(_, "hanging", let reason) = $0 { reason } else { nil }
        }
        #expect(partings.count == 1 && partings[0].hasPrefix("its learner has stood still for 1 s"), "\(partings)")
        #expect(
            running.notes().contains {
                if case .reassigned(let slots, _) = $0 { slots > 0 } else { false }
            })
        #expect(!running.notes().contains { if case .suspect = $0 { true } else { false } })
        _ = try good.end()
        hanging.service.commands.put(.stop)
        _ = try hanging.end()
    }

    @Test func `goes on without a worker whose learner fails, and the worker says why`() throws {
        struct OutOfMemory: Error, CustomStringConvertible {
            let description = "out of memory in the UNet"
        }
        let running = try start(
            LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: Self.steps))
        let good = try LoopbackWorker("good", at: running.address)
        let bad = try LoopbackWorker("bad", at: running.address) { learner in
            learner.before = { step, _ in if step == 2 { throw OutOfMemory() } }
        }
        #expect(throws: OutOfMemory.self) { try bad.end() }
        #expect(try running.result().weights == Self.expected)
        #expect(
            running.notes().contains {
                if case .left(_, "bad", "out of memory in the UNet") = $0 { true } else { false }
            })
        _ = try good.end()
    }

    @Test func `computes a slot elsewhere when it is not finite`() throws {
        let running = try start(
            LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: Self.steps))
        let good = try LoopbackWorker("good", at: running.address)
        let flaky = try LoopbackWorker("flaky", at: running.address) { learner in
            // Which step it computes slots of is chance; one bad step is no reason to keep it out.
            var badStep: Int?
            learner.poisoned = { step, slot in
                if step >= 4, slot > 0, badStep == nil { badStep = step }
                return step == badStep && slot > 0
            }
        }
        let result = try running.result()
        #expect(result.weights == Self.expected)
        #expect(result.contributions.allSatisfy { $0.leftOut.isEmpty })
        #expect(
            running.notes().contains {
                if case .notFinite(_, let outcome) = $0 { outcome.notFinite != nil } else { false }
            })
        _ = try (good.end(), flaky.end())
    }

    @Test func `leaves a slot out that is finite nowhere, and names its samples`() throws {
        let running = try start(LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: 5))
        let workers = try ["a", "b"].map {
            try LoopbackWorker($0, at: running.address) { learner in
                learner.poisoned = { step, slot in step == 2 && slot == 5 }
            }
        }
        let result = try running.result()
        #expect(result.finish == .complete)
        #expect(result.contributions.map(\.leftOut.count) == [0, 0, 1, 0, 0])
        #expect(result.contributions[2].leftOut.first?.sampleNames == ["2/5/0", "2/5/1"])
        #expect(result.contributions[2].samples == 2 * (StraightLine.slots - 1))
        for worker in workers { _ = try worker.end() }
    }

    @Test func `lets a worker join in the middle of a run`() throws {
        let running = try start(LoopbackCluster.configuration(), StraightLineMaster(totalSteps: Self.steps))
        let slow: @Sendable (StraightLineLearner) -> Void = { learner in
            learner.before = { _, _ in Thread.sleep(forTimeInterval: 0.01) }
        }
        let first = try LoopbackWorker("first", at: running.address, prepare: slow)
        Thread.sleep(forTimeInterval: 0.3)
        let second = try LoopbackWorker("second", at: running.address, prepare: slow)
        let result = try running.result()
        #expect(result.weights == Self.expected)
        #expect(result.contributions.first?.shares.count == 1)
        #expect(result.contributions.last?.shares.count == 2)
        _ = try (first.end(), second.end())
    }

    @Test func `stops after the step, saves, and sends its workers home`() throws {
        let running = try start(LoopbackCluster.configuration(), StraightLineMaster(totalSteps: 100_000))
        let worker = try LoopbackWorker("w", at: running.address)
        Thread.sleep(forTimeInterval: 0.3)
        running.commands.put(.stop(reason: "interrupted"))
        let result = try running.result()
        #expect(result.finish == .stopped(reason: "interrupted"))
        #expect(result.saves == 1)
        #expect(result.contributions.count > 0 && result.contributions.count < 100_000)
        #expect(try worker.end() == .dismissed(finished: false, reason: "interrupted"))
    }

    @Test func `lets one worker go when asked, and goes on`() throws {
        let running = try start(
            LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: Self.steps))
        let slow: @Sendable (StraightLineLearner) -> Void = { learner in
            learner.before = { _, _ in Thread.sleep(forTimeInterval: 0.01) }
        }
        let workers = try ["a", "b"].map { try LoopbackWorker($0, at: running.address, prepare: slow) }
        Thread.sleep(forTimeInterval: 0.2)
        running.commands.put(.drain("1"))
        #expect(try running.result().weights == Self.expected)
        let ends = try Set(workers.map { "\(try $0.end())" })
        #expect(ends.count == 2)
    }

    @Test func `is carried on by another coordinator, and its workers come back by themselves`() throws {
        let (worker, port) = try Self.welcomeAndVanish(
            Stamp(run: LoopbackCluster.runID, incarnation: 5, worker: WorkerID(1)))
        var configuration = LoopbackCluster.configuration(port: port, incarnation: 9)
        configuration.minimumWorkers = 1
        let running = try start(configuration, StraightLineMaster(totalSteps: Self.steps))
        #expect(try running.result().weights == Self.expected)
        #expect(try worker.end() == .dismissed(finished: true, reason: "the run is complete"))
    }

    @Test func `is not joined by a worker of another run`() throws {
        let (worker, port) = try Self.welcomeAndVanish(
            Stamp(run: RunID(1, 1), incarnation: 5, worker: WorkerID(1)))
        let running = try start(LoopbackCluster.configuration(port: port), StraightLineMaster(totalSteps: 1))
        guard case .refused(let refusal) = try worker.end(within: 8) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.field == "run")
        running.commands.put(.stop(reason: "enough"))
        #expect(try running.result().finish == .stopped(reason: "enough"))
    }

    @Test func `Case 19: is not moved by garbage on its ports`() throws {
        let running = try start(LoopbackCluster.configuration(), StraightLineMaster(totalSteps: Self.steps))
        let port = running.bulkPort
        let slow: @Sendable (StraightLineLearner) -> Void = { learner in
            learner.before = { _, _ in Thread.sleep(forTimeInterval: 0.005) }
        }
        let worker = try LoopbackWorker("w", at: running.address, prepare: slow)
        let context = try Context()
        var random = SeededGenerator(seed: 4)
        for target in ["\(running.address)", "tcp://127.0.0.1:\(port)"] {
            let vandal = try Socket(.dealer, in: context)
            try vandal.connect(target)
            for _ in 0..<200 {
                let count = Int.random(in: 1...5, using: &random)
                let frames = try (0..<count).map { _ in
                    var bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                    if Bool.random(using: &random) { bytes = Header(.control, .stranger).bytes }
                    return try Frame(bytes)
                }
                try vandal.send(frames)
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
        let result = try running.result()
        #expect(result.weights == Self.expected)
        #expect(result.dropped.malformed > 100)
        _ = try worker.end()
    }

    @Test func `does not add up damaged or unasked sums`() throws {
        let running = try start(
            LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: Self.steps))
        let good = try LoopbackWorker("good", at: running.address)
        do {
            let liar = try HandmadeWorker(at: running.address)
            let (lease, bulk) = try liar.join("liar")
            for chunk in 0..<3 as Range<UInt32> { try bulk.sendChunk(chunk, of: lease) }
            try bulk.sendChunk(3, of: lease, bytes: 10)  // too short, so the sum is not whole
            let outcomes = (0..<StraightLine.slots).map {
                SlotOutcome(slot: $0, samples: 2, loss: 0, squaredGradientNorm: 0, sampleNames: [])
            }
            let whole = WorkerMessage.sum(
                SlotSum(
                    of: lease, slots: 0..<StraightLine.slots, weights: lease.weights, outcomes: outcomes, seconds: 1))
            try bulk.send(Header(.control, bulk.stamp), Control.encode(whole))
            var elsewhere = lease
            (elsewhere.first, elsewhere.end) = (0, StraightLine.slots)
            for chunk in 0..<3 as Range<UInt32> { try bulk.sendChunk(chunk, of: elsewhere) }
            try bulk.sendChunk(3, of: elsewhere, bytes: 4000 - 3 * 1024)
            try bulk.send(Header(.control, bulk.stamp), Control.encode(whole))
            Thread.sleep(forTimeInterval: 0.1)
        }
        let result = try running.result()
        #expect(result.weights == Self.expected)
        #expect(result.dropped.malformed >= 2)
        _ = try good.end()
    }

    @Test func `sends no more chunks than there is credit for`() throws {
        let configuration = LoopbackCluster.configuration()
        let running = try start(configuration, StraightLineMaster(totalSteps: 1))
        let deaf = try HandmadeWorker(at: running.address)
        let (lease, bulk) = try deaf.join("deaf")
        var chunks = 0
        while try poll([Interest(bulk.socket)], timeout: .milliseconds(200)) == [true] {
            if try bulk.socket.receive(maximumFrames: 2) != nil { chunks += 1 }
        }
        #expect(chunks == configuration.creditChunks)
        #expect(chunks * configuration.chunkBytes < StraightLine.parameterCount * 4)
        var credit = Header(.credit, bulk.stamp)
        credit.chunkCount = 3
        try bulk.send(credit, [])
        _ = try poll([Interest(bulk.socket)], timeout: .seconds(2))
        #expect(try bulk.socket.receive(maximumFrames: 2) != nil)
        #expect(lease.slots == 0..<StraightLine.slots)
        for _ in 0..<2 { running.commands.put(.stop(reason: "enough")) }
        _ = try running.result()
    }

    @Test func `Case 13: refuses a worker of another version, and says what to do`() throws {
        let running = try start(LoopbackCluster.configuration(), StraightLineMaster(totalSteps: 1))
        let worker = try LoopbackWorker("old", at: running.address, software: "0.9")
        guard case .refused(let refusal) = try worker.end() else {
            Issue.record("not refused")
            return
        }
        #expect(
            "\(refusal)" == "the Danlu version is 0.9 here and 1 at the coordinator: install Danlu 1 on this worker")

        let stranger = try HandmadeWorker(at: running.address)
        var bytes = Header(.control, .stranger).bytes
        bytes[4] = 200
        try stranger.control.send([Frame(bytes), Frame([])])
        guard case .refused(let other) = try stranger.hear() else {
            Issue.record("not refused")
            return
        }
        let versions = "the protocol version is 200 here and \(Header.protocolVersion) at the coordinator"
        #expect("\(other)".contains(versions))
        running.commands.put(.stop(reason: "enough"))
        _ = try running.result()
    }

    @Test func `Case 12: refuses a second worker of the same name while the first is there`() throws {
        let running = try start(LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: 1))
        let first = try HandmadeWorker(at: running.address)
        try first.say(.join(LoopbackCluster.application("twin")))
        guard case .welcome = try first.hear() else {
            Issue.record("not welcome")
            return
        }
        let second = try HandmadeWorker(at: running.address)
        try second.say(.join(LoopbackCluster.application("twin")))
        guard case .refused(let refusal) = try second.hear() else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.mayPass && refusal.mine.wholeMatch(of: /taken by worker 1 \(from 127\.0\.0\.1:\d+\)/) != nil)
        #expect(refusal.yours.wholeMatch(of: /twin \(from 127\.0\.0\.1:\d+\)/) != nil)
        #expect(refusal.yours.dropFirst(4) != refusal.mine.dropFirst(17))
        running.commands.put(.stop(reason: "enough"))
        _ = try running.result()
    }

    @Test func `does not listen to the world without being told to`() {
        var configuration = LoopbackCluster.configuration()
        configuration.address = Address(host: "0.0.0.0", port: 5570)
        let error = #expect(throws: Address.Malformed.self) {
            try CoordinatorService(configuration, master: StraightLineMaster(totalSteps: 1), observe: { _ in })
        }
        #expect(error?.description.contains("--insecure") == true)
    }

    @Test func `says that its port is taken`() throws {
        let first = try start(LoopbackCluster.configuration(), StraightLineMaster(totalSteps: 1))
        let error = #expect(throws: ZeroMQError.self) {
            try CoordinatorService(
                LoopbackCluster.configuration(port: first.address.port), master: StraightLineMaster(totalSteps: 1),
                observe: { _ in })
        }
        #expect(error?.description.contains("is taken by another process") == true)
        first.commands.put(.stop(reason: "enough"))
        _ = try first.result()
    }

    /// A worker that has been welcomed by a coordinator that is gone, without a word.
    ///
    /// - Returns: the worker, and the port of the coordinator, which is free, as is the next.
    private static func welcomeAndVanish(_ stamp: Stamp) throws -> (LoopbackWorker, UInt16) {
        for _ in 0..<20 {
            let coordinator = try HandmadeCoordinator()
            let next = try Socket(.router, in: Context())
            guard (try? next.bind("tcp://127.0.0.1:\(coordinator.port + 1)")) != nil else { continue }
            let worker = try LoopbackWorker("w", at: Address(host: "127.0.0.1", port: coordinator.port))
            try coordinator.welcome(stamp)
            return (worker, coordinator.port)
        }
        throw HandmadeWorker.Unexpected(message: "no two free ports")
    }
}

@Suite(.serialized) struct `A cluster with a broken machine in it` {
    private func run(
        _ prepare: @escaping @Sendable (StraightLineLearner) -> Void
    ) throws -> (RunningCoordinator.Ended, notes: [Note]) {
        let running = try RunningCoordinator(
            LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: 12), observe: { _ in })
        let good = try LoopbackWorker("good", at: running.address)
        let bad = try LoopbackWorker("bad", at: running.address, prepare: prepare)
        let result = try running.result()
        _ = try good.end()
        bad.service.commands.put(.stop)
        _ = try bad.end()
        return (result, running.notes())
    }

    @Test func `Case 14: refuses what was computed with weights that changed in memory`() throws {
        let (result, notes) = try run { learner in
            learner.afterwards = { step, _, weights in if step == 4 { weights[7] += 1 } }
        }
        #expect(result.weights == `A cluster on the loopback`.expected)
        #expect(result.dropped.otherWeights > 0)
        #expect(notes.contains { if case .otherWeights = $0 { true } else { false } })
    }

    @Test(arguments: [Float(1000), 1e30])
    func `Case 16: has an absurd gradient computed by somebody else`(factor: Float) throws {
        let (result, notes) = try run { learner in
            learner.alter = { step, _, gradient in
                guard step == 4 else { return }
                for index in gradient.indices { gradient[index] *= factor }
            }
        }
        #expect(result.weights == `A cluster on the loopback`.expected)
        #expect(result.dropped.absurd > 0)
        #expect(notes.contains { if case .absurd = $0 { true } else { false } })
    }

    @Test func `Case 25: gets back at once what a worker that is wanted elsewhere has not begun`() throws {
        let running = try RunningCoordinator(
            LoopbackCluster.configuration(minimumWorkers: 2), StraightLineMaster(totalSteps: 12), observe: { _ in })
        let slow: @Sendable (StraightLineLearner) -> Void = { learner in
            learner.before = { _, _ in Thread.sleep(forTimeInterval: 0.05) }
        }
        let leaving = try LoopbackWorker("leaving", at: running.address, prepare: slow)
        let staying = try LoopbackWorker("staying", at: running.address, prepare: slow)
        let deadline = Date(timeIntervalSinceNow: 5)
        while !running.notes().contains(where: { if case .ready(_, "leaving") = $0 { true } else { false } }),
            Date() < deadline
        { Thread.sleep(forTimeInterval: 0.01) }
        Thread.sleep(forTimeInterval: 0.25)
        leaving.service.commands.put(.leave)
        let end = try leaving.end(within: 2)
        #expect(end == .left || end == .dismissed(finished: false, reason: "it was asked to leave"))
        #expect(leaving.service.isOver)
        #expect(try running.result().weights == `A cluster on the loopback`.expected)
        _ = try staying.end()
    }
}
