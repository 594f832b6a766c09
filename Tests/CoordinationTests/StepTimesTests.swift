import Testing
import Wire

@testable import Coordination

@Suite struct `The time of a step` {
    let one = WorkerID(1)
    let two = WorkerID(2)

    @Test func `is accounted for to the last second, for each worker`() {
        var times = StepTimes()
        times.began = .seconds(10)
        times.holds(one, at: .seconds(11))
        times.holds(one, at: .seconds(17))  // the next ping says it again
        times.holds(two, at: .seconds(12))
        times.brought(by: one, at: .seconds(14))
        times.brought(by: one, at: .seconds(16))
        times.brought(by: two, at: .seconds(20))
        #expect(
            times.parts(of: one, computing: 4, at: .seconds(20)) == .init(broadcast: 1, compute: 4, send: 1, wait: 4))
        #expect(
            times.parts(of: two, computing: 5, at: .seconds(20)) == .init(broadcast: 2, compute: 5, send: 3, wait: 0))
    }

    @Test func `counts nothing for weights that a worker held already`() {
        var times = StepTimes()
        times.holds(one, at: .seconds(9))
        times.began = .seconds(10)
        times.brought(by: one, at: .seconds(13))
        #expect(
            times.parts(of: one, computing: 3, at: .seconds(13)) == .init(broadcast: 0, compute: 3, send: 0, wait: 0))
    }

    @Test func `is not counted twice where the word of the weights comes after the computing began`() {
        var times = StepTimes()
        times.began = .seconds(0)
        times.holds(one, at: .seconds(2))
        times.brought(by: one, at: .seconds(5))
        #expect(
            times.parts(of: one, computing: 4, at: .seconds(6)) == .init(broadcast: 1, compute: 4, send: 0, wait: 1))
    }
}
