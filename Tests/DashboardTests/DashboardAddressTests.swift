import Testing

@testable import Dashboard

@Suite struct `The dashboard's address` {
    @Test(arguments: [
        ("5580", "127.0.0.1:5580"), ("0.0.0.0:80", "0.0.0.0:80"), ("[::1]:5580", "[::1]:5580"), ("box3:0", "box3:0"),
    ])
    func `is a host and a port, or a port of the loopback`(text: String, meaning: String) {
        #expect(DashboardAddress(text)?.description == meaning)
    }

    @Test(arguments: [
        "", ":80", "box3:", "box3:65536", "box3:-1", "a b:80", "http://box3:80", "::1:80", "[]:80", "[::1", "box3:８０",
    ])
    func `is refused where it is none`(text: String) {
        #expect(DashboardAddress(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.8.9.10:1", true), ("localhost:1", true), ("[::1]:1", true), ("0.0.0.0:1", false),
        ("[::]:1", false), ("10.0.0.1:1", false), ("127.0.0.1.example:1", false), ("127.evil.example.org:1", false),
    ])
    func `tells the loopback from the world`(text: String, isLoopback: Bool) throws {
        #expect(try #require(DashboardAddress(text)).isLoopback == isLoopback)
    }
}
