import Foundation
import Synchronization
import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite(.serialized) struct `An operator` {
    private let running: RunningCoordinator
    private let workers: [LoopbackWorker]
    private let line: OperatorLine
    private let standings: Standings

    private final class Standings: Sendable {
        let all = Mutex<[RunStatus]>([])
    }

    /// A run that goes on until it is stopped.
    init() throws {
        var configuration = LoopbackCluster.configuration(minimumWorkers: 2)
        configuration.epoch = { ($0 / 10 + 1, 10_000) }
        configuration.progress = {
            var progress = RunProgress()
            progress.learningRates = ["unet": 1e-4]
            progress.events = [RunProgress.Event(time: 1, sentence: "it began")]
            return progress
        }
        configuration.watchInterval = .milliseconds(20)
        let standings = Standings()
        self.standings = standings
        running = try RunningCoordinator(configuration, StraightLineMaster(totalSteps: 100_000)) { happening in
            guard case .standing(let status) = happening else { return }
            standings.all.withLock { $0.append(status) }
        }
        let address = running.address
        workers = try ["box1", "box2"].map { try LoopbackWorker($0, at: address) }
        line = OperatorLine(to: address, patience: .seconds(2))
    }

    private func ask(_ operation: RunOperation) throws -> OperationReply {
        try line.ask(operation, limit: .seconds(10))
    }

    private func begin() throws {
        while try status().loss == nil { Thread.sleep(forTimeInterval: 0.01) }
    }

    @discardableResult
    private func end() throws -> RunningCoordinator.Ended {
        let stopped = try ask(.stop)
        #expect(stopped.isDone && stopped.sentence.hasPrefix("stopped after"))
        let ended = try running.result()
        #expect(ended.finish == .stopped(reason: "an operator asked for it"))
        for worker in workers { _ = try worker.end() }
        return ended
    }

    private func status() throws -> RunStatus { try #require(try ask(.status).status) }

    @Test func `pauses a run at a step's end, and has it go on`() throws {
        try begin()
        let paused = try ask(.pause)
        #expect(paused.isDone && paused.sentence.hasPrefix("paused before step"))
        let before = try status()
        #expect(before.snapshot.state == .paused && before.totalSteps == 100_000)
        #expect(before.epoch == before.snapshot.step / 10 + 1 && before.samplesPerSlot == 2)
        #expect(before.snapshot.workers.map(\.name).sorted() == ["box1", "box2"])
        #expect(try ask(.pause).isDone, "twice is once")
        #expect(try ask(.save).sentence == "the state before step \(before.snapshot.step) is saved")
        #expect(try status().snapshot.step == before.snapshot.step, "nothing happens in a pause")
        #expect(try ask(.resume).sentence == "going on with step \(before.snapshot.step)")
        let again = try ask(.resume)
        #expect(!again.isDone && again.sentence == "nobody has paused the run, so it cannot be resumed")
        while try status().snapshot.step == before.snapshot.step { Thread.sleep(forTimeInterval: 0.01) }
        try end()
    }

    @Test func `sees devices, memory, parts of a step and what only the program knows`() throws {
        try begin()
        // What a worker sends with its ping is known after the first.
        while try status().snapshot.workers.contains(where: { $0.memory == nil }) {
            Thread.sleep(forTimeInterval: 0.01)
        }
        let status = try status()
        for worker in status.snapshot.workers {
            #expect(worker.device == "loom:0[2J", "what would move a cursor is left out")
            let memory = try #require(worker.memory)
            #expect(memory.used > 1 << 20 && memory.used < memory.total)
        }
        let shares = try #require(status.shares)
        #expect(!shares.isEmpty && shares.allSatisfy { $0.compute >= 0 && $0.communicate >= 0 && $0.wait >= 0 })
        #expect(shares.map(\.slots).reduce(0, +) == status.snapshot.slotCount)
        #expect(status.progress?.learningRates == ["unet": 1e-4])
        #expect(status.progress?.events.map(\.sentence) == ["it began"])
        try end()
        let told = standings.all.withLock { $0 }
        #expect(told.count > 1 && told.first?.totalSteps == 100_000)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.snapshot.step <= $1.snapshot.step })
    }

    @Test func `lets one worker go while the other trains on`() throws {
        try begin()
        #expect(try ask(.drain(worker: "box2")).sentence == "box2 has left")
        #expect(try workers[1].end() == .dismissed(finished: false, reason: "it was asked to leave"))
        #expect(try status().snapshot.workers.map(\.name) == ["box1"])
        let nobody = try ask(.drain(worker: "box2"))
        #expect(!nobody.isDone && nobody.sentence == "no worker is called box2; there are box1")
        let free = try ask(.admit(worker: "box1"))
        #expect(!free.isDone && free.sentence == "box1 is not kept out")
        try end()
    }

    @Test func `gets a sentence when nobody answers`() throws {
        try begin()
        try end()
        let error = try #require(throws: OperatorLine.Failure.self) {
            try OperatorLine(to: running.address, patience: .milliseconds(300)).ask(.status)
        }
        #expect(error == .silence(running.address, .milliseconds(300), hasKey: false))
        #expect("\(error)".contains("--key FILE"))
    }

    @Test func `who talks nonsense, too much or too often harms nobody`() throws {
        try begin()
        let context = try Context()
        let socket = try Socket(.dealer, in: context)
        try socket.connect("\(running.address)")
        try socket.send(letter(["status"], kind: .operation, stamp: .stranger))
        let long = RunOperation.drain(worker: String(repeating: "x", count: OperationRequest.limit))
        try socket.send(letter(OperationRequest(number: 1, operation: long), kind: .operation, stamp: .stranger))
        for number in 0..<UInt64(OperatorDesk.limit + 5) {
            try socket.send(
                letter(OperationRequest(number: number, operation: .pause), kind: .operation, stamp: .stranger))
        }
        while try status().snapshot.state != .paused { Thread.sleep(forTimeInterval: 0.01) }
        #expect(try ask(.resume).isDone)
        #expect(try end().dropped.malformed == 2)
    }
}

@Suite struct `The desk for operators` {
    @Test func `holds a bounded number of requests`() throws {
        var desk = OperatorDesk()
        var coordinator = Coordinator(
            Coordinator.Settings(
                run: LoopbackCluster.runID, incarnation: 1,
                requirements: Requirements(
                    software: "1", libtorch: "none", exactnessClass: nil,
                    shape: Status.Shape(parameterCount: 1, tableHash: "")),
                welcome: Welcome(
                    run: Data(), bulkPort: 1, parameterCount: 1, chunkBytes: 1, creditChunks: 1, threads: 1)),
            plan: StepPlan(step: 0, slotCount: 1, lossScale: 1, weights: 0))
        let status = RunStatus(snapshot: coordinator.snapshot(at: .zero), totalSteps: 9, incarnation: 1)
        let peer = Peer([1])
        for number in 0..<UInt64(OperatorDesk.limit) {
            let (event, answer) = desk.take(
                OperationRequest(number: number, operation: .save), from: peer, coordinator, status)
            #expect(event != nil && !answer.reply.isLast && answer.reply.sentence == "saving")
        }
        let (event, answer) = desk.take(OperationRequest(number: 99, operation: .save), from: peer, coordinator, status)
        #expect(event == nil && answer.reply.isLast && !answer.reply.isDone)
        #expect(desk.saved(step: 0, failure: "no room").map(\.reply.sentence).count == OperatorDesk.limit)
        _ = coordinator.handle(.pause(reason: "x"), at: .zero)
        #expect(desk.settle(coordinator).isEmpty, "who has been answered is not answered again")
    }
}
