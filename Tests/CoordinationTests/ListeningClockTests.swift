import Testing

@testable import Coordination

@Suite struct `The clock of whoever listens` {
    /// A clock that stands where it is put.
    private final class Dial {
        var time = ContinuousClock.now
        func clock() -> ListeningClock { ListeningClock { self.time } }
    }

    private let dial = Dial()

    @Test func `begins at nothing, and runs as time does while it is looked at`() {
        var clock = dial.clock()
        #expect(clock.advance() == .zero)
        for look in 1...50 {
            dial.time += .milliseconds(100)
            #expect(clock.advance() == .milliseconds(100) * look)
        }
        #expect(clock.now == .seconds(5))
    }

    @Test(arguments: [Duration.milliseconds(1001), .seconds(20), .seconds(8 * 3600)])
    func `Case 22: counts a second of a time in which nobody listened, however long the machine slept`(
        sleep: Duration
    ) {
        var clock = dial.clock()
        dial.time += .milliseconds(400)
        #expect(clock.advance() == .milliseconds(400))
        dial.time += sleep
        #expect(clock.advance() == .milliseconds(1400))
        dial.time += .milliseconds(100)
        #expect(clock.advance() == .milliseconds(1500))
    }

    @Test func `does not move while it is not looked at`() {
        var clock = dial.clock()
        dial.time += .milliseconds(300)
        #expect(clock.now == .zero)
        #expect(clock.advance() == .milliseconds(300))
        #expect(clock.advance() == .milliseconds(300))
    }

    @Test func `Case 22: kills nobody when the coordinator wakes up again`() {
        var clock = dial.clock()
        var table = Table()
        func look(after pause: Duration) -> Double {
            dial.time += pause
            return clock.advance().inSeconds
        }
        table.join("ada", at: look(after: .milliseconds(100)))
        // The lid is closed over night. What ada said meanwhile is read after the first look at the time.
        table.happen(.tick, at: look(after: .seconds(8 * 3600)))
        #expect(table.notes.isEmpty)
        table.ping("ada", at: look(after: .milliseconds(100)))
        table.happen(.tick, at: look(after: .milliseconds(100)))
        #expect(table.coordinator.membership.members.count == 1)
        // Whoever does not wake up with it is found as ever.
        for _ in 0..<60 { table.happen(.tick, at: look(after: .milliseconds(100))) }
        #expect(table.coordinator.membership.members.isEmpty)
    }
}
