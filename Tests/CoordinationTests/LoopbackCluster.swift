import Coordination
import Foundation
import Synchronization
import Testing
import Wire
import ZeroMQ

/// A coordinator and workers in threads of this process, over real sockets on the loopback.
final class LoopbackCluster {
    static let runID = RunID(7, 9)

    static var patience: Patience {
        var patience = Patience()
        patience.ping = .milliseconds(50)
        patience.suspect = .milliseconds(300)
        patience.dead = .milliseconds(600)
        patience.coordinatorSilent = .milliseconds(800)
        patience.retry = .milliseconds(100)
        patience.longestRetry = .milliseconds(400)
        patience.gathering = .seconds(5)
        return patience
    }

    static func configuration(
        port: UInt16 = 0, minimumWorkers: Int = 1, incarnation: UInt64 = 1
    ) -> CoordinatorService.Configuration {
        var configuration = CoordinatorService.Configuration(
            address: Address(host: "127.0.0.1", port: port), runID: runID, incarnation: incarnation << 20,
            run: Data("a straight line".utf8), software: "1", libtorch: "none")
        configuration.minimumWorkers = minimumWorkers
        configuration.chunkBytes = 1024
        configuration.creditChunks = 3
        configuration.patience = patience
        return configuration
    }

    static func application(_ name: String, software: String = "1") -> Application {
        var application = Application(
            name: name, instance: .random(in: .min ... .max), software: software, libtorch: "none",
            exactnessClass: "test", cores: 1, memoryBytes: 1 << 30)
        application.device = "loom:0\u{1B}[2J"
        return application
    }
}

/// A worker in a thread.
final class LoopbackWorker: Sendable {
    let service: WorkerService
    private let outcome = Mutex<Result<Worker.End, any Error>?>(nil)

    init(
        _ name: String, at address: Address, software: String = "1", hasDataPort: Bool = false, key: KeyFile? = nil,
        prepare: @escaping @Sendable (StraightLineLearner) -> Void = { _ in },
        gather: @escaping @Sendable (ContentLine) throws -> Void = { _ in },
        observe: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        var configuration = WorkerService.Configuration(
            address: address, application: LoopbackCluster.application(name, software: software))
        configuration.patience = LoopbackCluster.patience
        if hasDataPort { configuration.dataEndpoint = Address(host: "127.0.0.1", port: 0) }
        configuration.key = key
        service = try WorkerService(configuration, observe: observe)
        let thread = Thread { [self] in
            let result = Result {
                try service.run { _, contents in
                    try gather(contents)
                    let learner = StraightLineLearner()
                    prepare(learner)
                    return learner
                }
            }
            outcome.withLock { $0 = result }
        }
        thread.start()
    }

    /// How it ended, waiting for at most `seconds`.
    func end(within seconds: Double = 5) throws -> Worker.End {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            if let outcome = outcome.withLock({ $0 }) { return try outcome.get() }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw Late()
    }

    struct Late: Error {}
}

/// A coordinator in a thread.
final class RunningCoordinator: Sendable {
    struct Ended {
        var finish: Finish
        var weights: [Float]
        var contributions: [StepContribution]
        var saves: Int
        var dropped: Coordinator.Dropped
    }

    let address: Address
    let bulkPort: UInt16
    let commands: Mailbox<CoordinatorCommand>
    private let outcome: Mailbox<Result<Ended, any Error>>

    init(
        _ configuration: CoordinatorService.Configuration, _ master: sending StraightLineMaster,
        observe: @escaping @Sendable (Happening) -> Void
    ) throws {
        let outcome = try Mailbox<Result<Ended, any Error>>()
        let started = try Mailbox<Result<(Address, UInt16, Mailbox<CoordinatorCommand>), any Error>>()
        let collector = Collector()
        let parcel = Parcel(master: master)
        let thread = Thread {
            outcome.put(
                Result {
                    let master = parcel.master
                    let service: CoordinatorService
                    do {
                        service = try CoordinatorService(configuration, master: master) { happening in
                            if case .note(let note) = happening { collector.notes.withLock { $0.append(note) } }
                            observe(happening)
                        }
                    } catch {
                        started.put(.failure(error))
                        throw error
                    }
                    started.put(.success((service.address, service.bulkPort, service.commands)))
                    let finish = try service.run()
                    return Ended(
                        finish: finish, weights: master.weights, contributions: master.contributions,
                        saves: master.saves, dropped: service.dropped)
                })
        }
        thread.start()
        guard let start = try started.wait(timeout: .seconds(5)).first else { throw LoopbackWorker.Late() }
        (address, bulkPort, commands) = try start.get()
        self.outcome = outcome
        self.collector = collector
    }

    private let collector: Collector

    private final class Collector: Sendable {
        let notes = Mutex<[Note]>([])
    }

    /// Handed from one thread to another, once.
    private struct Parcel: @unchecked Sendable {
        let master: StraightLineMaster
    }

    func notes() -> [Note] { collector.notes.withLock { $0 } }

    /// How it ended, waiting for at most 20 s.
    func result() throws -> Ended {
        guard let result = try outcome.wait(timeout: .seconds(20)).first else {
            commands.put(.stop(reason: "the test is over"))
            commands.put(.stop(reason: "the test is over"))
            throw LoopbackWorker.Late()
        }
        return try result.get()
    }
}

/// A coordinator that a test speaks for: it welcomes, and vanishes without a word.
final class HandmadeCoordinator {
    let control: Socket
    let bulk: Socket
    let port: UInt16
    private let bulkPort: UInt16

    /// A context of its own, which ends when the sockets are closed: then the ports are free.
    init() throws {
        let context = try Context()
        control = try Socket(.router, in: context)
        try control.bind("tcp://127.0.0.1:*")
        port = try Address(control.endpoint).port
        bulk = try Socket(.router, in: context)
        try bulk.bind("tcp://127.0.0.1:*")
        bulkPort = try Address(bulk.endpoint).port
    }

    func welcome(_ stamp: Stamp) throws {
        _ = try poll([Interest(control)], timeout: .seconds(5))
        guard let frames = try control.receive(maximumFrames: 3) else {
            throw HandmadeWorker.Unexpected(message: "silence")
        }
        let welcome = Welcome(
            run: Data("a straight line".utf8), bulkPort: bulkPort, parameterCount: StraightLine.parameterCount,
            chunkBytes: 1024, creditChunks: 3, threads: 1)
        let payload = try Control.encode(CoordinatorMessage.welcome(welcome))
        let header = payload.withUnsafeBytes { Header(.control, stamp).describing($0) }
        try control.send([Frame(frames[0].bytes), Frame(header.bytes), Frame(payload)])
        _ = try poll([Interest(control)], timeout: .seconds(2))  // the worker's first ping
    }
}
