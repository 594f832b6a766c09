import Coordination
import Foundation
import Synchronization
import Testing

@Suite struct `What coming slots need` {
    /// Prepares slots in order, on a thread of its own.
    private final class Pantry: Sendable {
        private let queue = DispatchQueue(label: "pantry")
        private let ready = (0..<2 * StraightLine.slots).map { _ in DispatchSemaphore(value: 0) }
        let inVain = Mutex<[Int]>([])

        func prepare(_ slots: [Int]) {
            queue.async { [self] in for slot in slots { ready[slot].signal() } }
        }

        func wait(for slot: Int) {
            if ready[slot].wait(timeout: .now() + 10) == .timedOut { inVain.withLock { $0.append(slot) } }
        }
    }

    @Test func `is prepared while a slot is computed, the next step's included`() throws {
        let pantry = Pantry()
        let master = StraightLineMaster(totalSteps: 1)
        let service = try CoordinatorService(LoopbackCluster.configuration(), master: master, observe: { _ in })
        let worker = try LoopbackWorker("w1", at: service.address) { learner in
            learner.expects = { pantry.prepare($0) }
            // Computing does not end before what the slot after it needs is there.
            learner.before = { _, slot in pantry.wait(for: slot + 1) }
        }
        #expect(try service.run() == .complete)
        _ = try worker.end()
        #expect(pantry.inVain.withLock { $0 } == [])
    }
}
