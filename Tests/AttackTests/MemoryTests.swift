import Coordination
import Foundation
import ProgramSupport
import Testing

@Suite struct `A coordinator's memory` {
    /// What `CoordinatorService` says of itself: N·G for sums that come in, N·G for sums that are held, 5·G for weights, the
    /// sum and what the optimizer has; for each worker credit × chunk that nobody has read, and 256 KiB for its connections.
    private func formula(workers: Int, gradient: Int, chunk: Int, credit: Int) -> Int {
        2 * workers * gradient + 5 * gradient + workers * (credit * chunk + 256 << 10)
    }

    @Test func `for 64 workers is what its formula says`() throws {
        let (workers, gradient, chunk, credit) = (64, 1 << 20, 64 << 10, 4)
        let coordinator = try LiveCoordinator(
            workers: workers, parameters: gradient / 4, steps: 3,
            // Which takes more.
            options: ["--chunk", "\(chunk)", "--credit", "\(credit)", "--packing", "on"])
        let before = try coordinator.memory.now
        let crew = try (1...workers).map { try GoodWorker("w\($0)", at: coordinator.address) }
        var most = 0
        // Two steps that are not timed, and the three; it is gone soon after the last.
        let isDone = LiveCoordinator.wait(within: 90) {
            if let memory = try? coordinator.memory.most, memory < 1 << 50 { most = max(most, memory) }
            return crew.allSatisfy { $0.hasEnded(within: 0) || $0.steps >= 5 }
        }
        #expect(isDone, "\(coordinator.notes)")
        let ended = try coordinator.end(within: 20)
        #expect(ended.status == 0, "\(ended.errors)")
        let bound = formula(workers: workers, gradient: gradient, chunk: chunk, credit: credit)
        #expect(most - before < bound, "\((most - before) >> 20) MiB, where the formula says \(bound >> 20)")
        // It has held at least one sum of each, or the measure is none.
        #expect(most - before > workers * gradient / 4, "only \((most - before) >> 20) MiB")
        print("64 workers: \((most - before) >> 20) MiB of \(bound >> 20)")
    }
}
