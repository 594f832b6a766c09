import Foundation
import Synchronization
import Testing

@testable import Launching

/// What a launch says, and what is done when it does.
private final class Transcript: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func contains(_ text: String) -> Bool { all.contains { $0.contains(text) } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

@Suite(.enabled(if: SecureShellServer.isThere, "openssh-server and openssh-client are not installed"), .serialized)
struct `Launching over ssh` {
    /// A coordinator that ends when it is interrupted.
    private static let coordinator = [
        "/bin/sh", "-c",
        "trap 'echo saved; exit 0' INT; echo ready; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); sleep 0.02; done",
    ]

    /// Launches, and stops when `isEnough` says so of all lines so far.
    private func launch(
        _ hosts: [Box], _ archive: BundleArchive, key: @escaping @Sendable (String) -> String? = { _ in nil },
        until isEnough: @escaping @Sendable ([String]) -> Bool
    ) throws -> (status: Int32?, lines: [String]) {
        var file = try HostsFile(toml: "[[hosts]]\nhost = \"a\"", file: "hosts.toml")
        file.hosts = hosts
        let transcript = Transcript()
        let itself = Mutex<Launch?>(nil)
        let launch = Launch(
            file, archive: archive, coordinator: Self.coordinator, port: 5570, farewell: .zero, key: { key($0) }
        ) {
            name, line in
            transcript.add("\(name): \(line)")
            if isEnough(transcript.all) { itself.withLock { $0 }?.stop() }
        }
        itself.withLock { $0 = launch }
        defer { itself.withLock { $0 = nil } }
        return (try launch.run(), transcript.all)
    }

    @Test func `brings bundle and key, starts the worker, names its lines, and ends it with the coordinator`() throws {
        let server = try SecureShellServer()
        var box = server.box("box")
        box.devices = "cuda:0,cuda:1"
        box.options = ["--odd", "it's $(touch \(server.path("smuggled"))); `x` \"y\""]
        let archive = try server.bundle()
        let (status, lines) = try launch([box], archive, key: { "secret of \($0)'s\nsecond line\n" }) {
            $0.contains("box: up")
        }
        #expect(status == 0)
        let words = [
            "work", "tcp://127.0.0.1:5570", "--name", "box", "--key", "\(box.folder)/keys/box.key", "--device",
            "cuda:0,cuda:1", "--odd", box.options[1],
        ]
        #expect(lines.filter { $0.hasPrefix("box: word: ") } == words.map { "box: word: " + $0 })
        #expect(lines.contains("coordinator: ready") && lines.contains("coordinator: saved"))
        #expect(lines.contains("box: told to end"))
        #expect(server.text("box-box/keys/box.key") == "secret of box's\nsecond line\n")
        let mode = try FileManager.default.attributesOfItem(atPath: "\(box.folder)/keys/box.key")[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(!FileManager.default.fileExists(atPath: server.path("smuggled")))

        let again = try launch([box], archive) { $0.contains("box: up") }
        #expect(lines.contains { $0.hasPrefix("box: has the bundle now, in \(box.folder)") })
        #expect(!again.lines.contains { $0.contains("has the bundle now") })

        let newer = try launch([box], try server.bundle("another greeting")) { $0.contains("box: up") }
        #expect(newer.lines.contains("box: another greeting"))
    }

    @Test func `goes on with the others when a box is down, lets nobody in, or is not known`() throws {
        let server = try SecureShellServer()
        var down = server.box("down")
        down.port = 1
        var locked = server.box("locked")
        locked.identity = server.path("stranger")
        var unknown = server.box("unknown")
        unknown.sshOptions[0] = "UserKnownHostsFile=/dev/null"
        var full = server.box("full")
        full.folder = "/proc/danlu"
        let (status, lines) = try launch([down, locked, unknown, full, server.box("good")], try server.bundle()) {
            lines in
            ["down", "locked", "unknown", "full"].allSatisfy { name in lines.contains { $0.hasPrefix("\(name): ") } }
                && lines.contains("good: up")
        }
        #expect(status == 0)
        let port = server.port
        #expect(
            lines.filter { $0.hasPrefix("down: ") } == [
                "down: 127.0.0.1, port 1 refuses ssh: start sshd there, or say its port; trying again"
            ])
        #expect(
            lines.filter { $0.hasPrefix("locked: ") } == [
                "locked: 127.0.0.1, port \(port) does not let us in: put a public key of yours there (ssh-copy-id), or say user and identity"
            ])
        #expect(
            lines.filter { $0.hasPrefix("unknown: ") } == [
                "unknown: 127.0.0.1, port \(port) is not known to ssh yet: run 'ssh 127.0.0.1' once and look at its key"
            ])
        #expect(
            lines.filter { $0.hasPrefix("full: ") } == [
                "full: the folder /proc/danlu cannot be made or written there: set 'folder' to one that can"
            ])
        #expect(lines.contains("good: told to end"))
    }

    @Test func `ends the coordinator when no box can be given a worker`() throws {
        let server = try SecureShellServer()
        var locked = server.box("locked")
        locked.identity = server.path("stranger")
        let (status, lines) = try launch([locked], try server.bundle()) { _ in false }
        #expect(status == nil)
        #expect(lines.contains("coordinator: saved"))
    }

    @Test func `leaves no worker behind when its connection is cut`() throws {
        let server = try SecureShellServer()
        let session = Mutex<BoxSession?>(nil)
        let orders = BoxSession.Orders(archive: try server.bundle(), coordinator: "127.0.0.1", port: 5570) { _ in nil }
        let transcript = Transcript()
        let made = BoxSession(server.box("box"), orders: orders) { line in
            transcript.add(line)
            // The session waits before it tries again: time enough to be told to end.
            if line == "up" { session.withLock { $0 }?.cut() }
            if line.contains("trying again") { session.withLock { $0 }?.end() }
        }
        session.withLock { $0 = made }
        defer { session.withLock { $0 = nil } }
        #expect(made.run())
        let told = server.path("told")
        let deadline = ContinuousClock.now + .seconds(30)
        while !FileManager.default.fileExists(atPath: told), ContinuousClock.now < deadline {
            Thread.sleep(forTimeInterval: 0.01)
        }
        #expect(FileManager.default.fileExists(atPath: told))
        #expect(transcript.contains("the connection to 127.0.0.1, port \(server.port) ended"))
    }

    @Test func `refuses an archive that is none of ours`() throws {
        let server = try SecureShellServer()
        #expect(throws: BundleArchive.Unusable.self) { try BundleArchive(path: server.path("nothing")) }
        let error = #expect(throws: BundleArchive.Unusable.self) { try BundleArchive(path: server.path("host.pub")) }
        #expect(error?.description == "\(server.path("host.pub")) is no bundle: make one with Cluster/bundle")
    }
}
