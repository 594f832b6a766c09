import Testing

@testable import Coordination

@Suite struct `Segments of sums` {
    @Test func `wait for the word of what to add up, but for a moment only`() {
        var pause = SegmentPause()
        #expect(!pause.holds(isKnown: false, at: .zero))
        pause.begin()
        #expect(pause.holds(isKnown: false, at: .milliseconds(10)))
        #expect(pause.holds(isKnown: false, at: .milliseconds(17)))
        #expect(!pause.holds(isKnown: false, at: .milliseconds(18)))
        #expect(!pause.isOn)
        pause.begin()
        #expect(pause.holds(isKnown: false, at: .milliseconds(50)))
        #expect(!pause.holds(isKnown: true, at: .milliseconds(51)))
    }
}
