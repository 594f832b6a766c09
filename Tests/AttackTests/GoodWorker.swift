import Coordination
import Foundation
import Synchronization
import Wire
import ZeroMQ

@testable import ExchangeBenchmark

/// A well-behaved worker in a thread, which counts the steps that it is sent weights for.
final class GoodWorker: Sendable {
    private let service: WorkerService
    private let counter = Counter()
    private let ended = DispatchSemaphore(value: 0)

    init(_ name: String, at address: Address, key: KeyFile? = nil) throws {
        let application = Application(
            name: name, instance: .random(in: .min ... .max), software: "benchmark", libtorch: "none",
            exactnessClass: "benchmark", cores: 1, memoryBytes: 1)
        var configuration = WorkerService.Configuration(address: address, application: application)
        configuration.key = key
        service = try WorkerService(configuration) { _ in }
        let thread = Thread { [service, counter, ended] in
            _ = try? service.run { welcome, _ in CountingLearner(parameterCount: welcome.parameterCount, counter) }
            ended.signal()
        }
        thread.start()
    }

    var steps: Int { counter.steps.withLock { $0 } }

    /// Waits for so many more steps; false when they do not come in time.
    func completes(_ more: Int, within seconds: Double) -> Bool {
        let goal = steps + more
        return LiveCoordinator.wait(within: seconds) { steps >= goal }
    }

    /// - Returns: whether it has ended in time.
    func leave(within seconds: Double = 10) -> Bool {
        service.commands.put(.stop)
        return hasEnded(within: seconds)
    }

    func hasEnded(within seconds: Double) -> Bool { ended.wait(timeout: .now() + seconds) == .success }
}

final class Counter: Sendable {
    let steps = Mutex(0)
}

/// Brings the gradients that the coordinator's sums are held against.
private final class CountingLearner: Learner {
    let parameterCount: Int
    let shapeTableHash = "benchmark"
    private let counter: Counter
    private let gradients: BenchmarkLearner

    init(parameterCount: Int, _ counter: Counter) {
        self.parameterCount = parameterCount
        self.counter = counter
        gradients = BenchmarkLearner(parameterCount: parameterCount, secondsPerSlot: 0)
    }

    func use(weights: UnsafeBufferPointer<Float>, step: Int) { counter.steps.withLock { $0 += 1 } }

    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>,
        finished: (Range<Int>) -> Void
    ) -> SlotOutcome {
        gradients.gradient(of: slot, step: step, lossScale: lossScale, into: gradient, finished: finished)
    }
}
