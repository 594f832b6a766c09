import Coordination
import Foundation
import Synchronization
import Testing
import Wire

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
        Application(
            name: name, instance: .random(in: .min ... .max), software: software, libtorch: "none",
            exactnessClass: "test", cores: 1, memoryBytes: 1 << 30)
    }
}

/// A worker in a thread.
final class LoopbackWorker: Sendable {
    let service: WorkerService
    private let outcome = Mutex<Result<Worker.End, any Error>?>(nil)

    init(
        _ name: String, at address: Address, software: String = "1",
        prepare: @escaping @Sendable (StraightLineLearner) -> Void = { _ in }
    ) throws {
        var configuration = WorkerService.Configuration(
            address: address, application: LoopbackCluster.application(name, software: software))
        configuration.patience = LoopbackCluster.patience
        service = try WorkerService(configuration)
        let thread = Thread { [self] in
            let result = Result {
                try service.run { _ in
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
