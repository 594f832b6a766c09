import Recipe
import Testing

@Suite struct `A band of timesteps` {
    @Test func `is a fifth of them, and has a name`() {
        #expect(TimestepBand.all.map(\.name) == ["0-199", "200-399", "400-599", "600-799", "800-999"])
        #expect([0, 199, 200, 999, 1000, -1].map { TimestepBand(of: $0).number } == [0, 0, 1, 4, 4, 0])
        #expect(TimestepBand(number: 5) == nil && TimestepBand(number: -1) == nil)
        #expect(TimestepBand(number: 3) == TimestepBand(of: 600))
    }
}
