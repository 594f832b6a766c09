import Testing

@testable import Launching

@Suite struct `A box's facts` {
    private let archive = BundleArchive(
        path: "/b.tar.gz", hash: "00", machine: "x86_64", glibc: "2.36", kilobytes: 600 << 10)
    private let box = Box(name: "box", host: "10.0.0.2")

    private func facts(_ changes: [String: String] = [:]) -> BoxFacts {
        let usual = [
            "machine": "x86_64", "glibc": "glibc 2.36", "folder": "/home/me/danlu", "free": "9000000",
            "caller": "10.0.0.1",
        ]
        let lines = usual.merging(changes) { $1 }.map { "danlu:\($0)=\($1)" }
        return BoxFacts(["Welcome to box!", "danlu:nonsense", "danlu:"] + lines)
    }

    @Test func `are found among a login's greetings`() {
        let facts = facts(["rsync": "yes", "bundle": "yes"])
        #expect(facts.machine == "x86_64")
        #expect(facts.glibc == GlibcVersion("2.36"))
        #expect(facts.folder == "/home/me/danlu")
        #expect(facts.freeKilobytes == 9_000_000)
        #expect(facts.caller == "10.0.0.1")
        #expect(facts.hasRsync && facts.hasBundle)
        #expect(facts.refusal(of: archive, on: box) == nil)
    }

    @Test(arguments: [
        (["machine": "aarch64"], "its processor is aarch64 and the bundle is for x86_64"),
        (["glibc": ""], "it has no glibc, which the bundle needs"),
        (["glibc": "glibc 2.35"], "its glibc is 2.35 and the bundle needs 2.36 or newer"),
        (["glibc": "glibc 2.9"], "its glibc is 2.9 and the bundle needs 2.36 or newer"),
        (["folder": ""], "the folder ~/.local/share/danlu cannot be made or written there"),
        (["folder": "/home/$(x)"], "the folder ~/.local/share/danlu cannot be made or written there"),
        (["free": "500000"], "~/.local/share/danlu has 488 MiB free there and the bundle needs 900 MiB"),
    ])
    func `say in one sentence why a bundle cannot go there`(changes: [String: String], beginning: String) {
        let refusal = facts(changes).refusal(of: archive, on: box) ?? "none"
        #expect(refusal.hasPrefix(beginning))
        #expect(refusal.contains(": "))
    }

    @Test func `ask for no room for a bundle that is there`() {
        #expect(facts(["free": "10", "bundle": "yes"]).refusal(of: archive, on: box) == nil)
    }

    @Test func `order glibc's versions by number`() throws {
        let versions = try ["2.9", "2.31", "2.36", "2.36.1", "3.0"].map { try #require(GlibcVersion($0)) }
        #expect(versions.sorted() == versions)
        #expect(GlibcVersion("musl") == nil)
        #expect(GlibcVersion("2.-1") == nil)
    }
}
