import Testing

@testable import Launching

@Suite struct `A box is tried again` {
    @Test func `for as long as it is away, ever more rarely`() {
        var patience = Patience()
        let pauses = (0..<8).map { _ in patience.pause(lived: .seconds(10), hope: .connection) }
        #expect(pauses == [2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    @Test func `twice when its worker fails at once`() {
        var patience = Patience()
        let pauses = (0..<3).map { _ in patience.pause(lived: .seconds(1), hope: .anotherStart) }
        #expect(pauses == [.seconds(2), .seconds(4), nil])
    }

    @Test func `as if for the first time after its worker lived for long`() {
        var patience = Patience()
        for _ in 0..<2 { _ = patience.pause(lived: .seconds(1), hope: .anotherStart) }
        #expect(patience.pause(lived: .seconds(3600), hope: .anotherStart) == .seconds(2))
    }

    @Test func `not at all when somebody must help first`() {
        var patience = Patience()
        #expect(patience.pause(lived: .zero, hope: .none) == nil)
    }

    @Test(arguments: [
        ("ssh: connect to host a port 22: Connection refused", "a refuses ssh", BoxFailure.Hope.connection),
        ("ssh: connect to host a port 22: Connection timed out", "a cannot be reached", .connection),
        ("ssh: Could not resolve hostname a: Name or service not known", "no address is known for a", .connection),
        ("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", "a shows another host key", .none),
        ("Host key verification failed.", "a is not known to ssh yet", .none),
        ("me@a: Permission denied (publickey).", "a does not let us in", .none),
        ("something new", "the connection to a ended (something new)", .connection),
    ])
    func `according to what ssh says`(words: String, beginning: String, hope: BoxFailure.Hope) {
        let failure = BoxFailure(ssh: ["a banner", words], to: Box(name: "a", host: "a"))
        #expect(failure.description.hasPrefix(beginning))
        #expect(failure.hope == hope)
    }
}
