import Testing
import Wire

@testable import Coordination

@Suite struct `What is known of workers' speeds` {
    private let one = WorkerID(1)
    private let two = WorkerID(2)

    private func shares(_ speeds: Speeds) -> [Double] { speeds.shares(of: [one, two]) }

    @Test func `leaves the cut as it is until one has changed by more than 15 %`() {
        var speeds = Speeds()
        speeds.measure(one, slots: 10, seconds: 1)
        speeds.measure(two, slots: 10, seconds: 1)
        // One lease 40 % faster moves the mean by 12 %, and a second one by more than 20 %.
        speeds.measure(one, slots: 14, seconds: 1)
        #expect(shares(speeds) == [10, 10])
        speeds.measure(one, slots: 14, seconds: 1)
        #expect(abs(shares(speeds)[0] - 12.04) < 1e-9 && shares(speeds)[1] == 10)
        // Back and forth around it, nothing moves.
        for slots in [12, 13, 11, 12, 13] { speeds.measure(one, slots: slots, seconds: 1) }
        #expect(abs(shares(speeds)[0] - 12.04) < 1e-9)
    }

    @Test func `counts whoever is new as the mean of the others`() {
        var speeds = Speeds()
        #expect(shares(speeds) == [1, 1])
        speeds.measure(one, slots: 4, seconds: 1)
        #expect(shares(speeds) == [4, 4])
    }

    @Test func `makes a deadline of median and deviation of recent leases`() {
        var speeds = Speeds()
        speeds.measure(one, slots: 10, seconds: 1)
        for _ in 0..<2 { speeds.finished(10, by: one, in: 1) }
        #expect(speeds.deadline(for: 10, of: one) == nil)
        speeds.finished(10, by: one, in: 1)
        #expect(speeds.deadline(for: 10, of: one) == .seconds(1.5))
        #expect(speeds.deadline(for: 20, of: one) == .seconds(3))
        for seconds in [1.0, 1.4, 1.4, 1.8, 1.8] { speeds.finished(10, by: one, in: seconds) }
        // Of 1, 1, 1, 1, 1.4, 1.4, 1.8, 1.8 the median is 1.2, and the deviation of half of them 0.2.
        #expect(abs((speeds.deadline(for: 10, of: one) ?? .zero).inSeconds - 2.4) < 1e-9)
    }

    @Test func `gives one that was never measured four times as long as the slowest, not for ever`() {
        var speeds = Speeds()
        speeds.measure(one, slots: 10, seconds: 1)
        for _ in 0..<3 { speeds.finished(10, by: one, in: 1) }
        #expect(speeds.deadline(for: 10, of: two) == .seconds(6))
    }

    @Test func `knows whose cable is slow, and passes over what is next to nothing of a step`() {
        var speeds = Speeds()
        #expect(speeds.delays(of: [one, two]) == [0, 0])
        speeds.measure(one, moving: 0.3, of: 10)
        speeds.measure(two, moving: 0.9, of: 10)
        #expect(speeds.delays(of: [one, two]) == [0, 0])
        speeds.measure(two, moving: 6, of: 10)
        #expect(abs(speeds.delays(of: [one, two])[1] - 2.43) < 1e-9)
        // All in the same boat is nobody's delay.
        for _ in 0..<20 { speeds.measure(one, moving: 2.43, of: 10) }
        #expect(speeds.delays(of: [one, two]).allSatisfy { $0 < 0.1 })
        speeds.forget(two)
        #expect(speeds.delays(of: [one, two])[1] == 0)
    }
}
