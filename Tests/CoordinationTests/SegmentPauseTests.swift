import Testing

@testable import Coordination

@Suite struct `Segments of sums` {
    @Test func `wait for the word of what to add up, but for a moment only`() {
        var pause = SegmentPause()
        let idle = pause.holds(isKnown: false, at: .zero)
        pause.begin()
        let waits = [10, 17, 18].map { pause.holds(isKnown: false, at: .milliseconds($0)) }
        #expect(!idle && waits == [true, true, false] && !pause.isOn)
        pause.begin()
        let answered = [(false, 50), (true, 51)].map { pause.holds(isKnown: $0.0, at: .milliseconds($0.1)) }
        #expect(answered == [true, false])
    }
}
