import Coordination
import Foundation
import Synchronization
import ZeroMQ

/// How a worker's process ends when its machine is wanted: politely at the first signal, at once at the second.
///
/// Both ways its status is 0, and within ``deadline`` even if the learner hangs.
enum LeaveTaking {
    /// Seconds from a signal to the end.
    private static let deadline = (polite: 25.0, hurried: 2.0)

    static func prepare(_ service: WorkerService, ignoringInterrupt: Bool) {
        let signals = Counter()
        Interruption.handle(ignoringInterrupt: ignoringInterrupt) {
            let isFirst = signals.next() == 0
            service.commands.put(isFirst ? .leave : .stop)
            watch(service, for: isFirst ? deadline.polite : deadline.hurried)
        }
    }

    /// Ends the process when its part is over, whatever the learner is doing.
    private static func watch(_ service: WorkerService, for seconds: Double) {
        let thread = Thread {
            let deadline = ContinuousClock.now + .seconds(seconds)
            while !service.isOver, ContinuousClock.now < deadline { Thread.sleep(forTimeInterval: 0.05) }
            // An ordinary end comes first where the learner is idle.
            Thread.sleep(forTimeInterval: 1)
            Console.error.line("worker: left the run")
            _exit(0)
        }
        thread.name = "leave taking"
        thread.start()
    }

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)

        func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).oldValue }
    }
}
