import Foundation

@testable import Launching

/// A real sshd on a port of the loopback, for this user alone and with a key of its own; it ends with this object.
final class SecureShellServer {
    static let program = ["/usr/sbin/sshd", "/usr/bin/sshd"].first(where: FileManager.default.isExecutableFile)
    static let isThere = program != nil && ChildProcess.has("ssh") && ChildProcess.has("ssh-keygen")

    struct Complaint: Error, CustomStringConvertible {
        let description: String
    }

    let folder: URL
    private(set) var port = 0
    private var process: ChildProcess?

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in ["host", "user", "stranger"] {
            let made = try ChildProcess("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path(name)]).gather()
            guard made.status == 0 else { throw Complaint(description: "ssh-keygen failed: \(made.lines)") }
        }
        // As root it wants a folder that its package makes at boot.
        if geteuid() == 0 {
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        try write(
            """
            ListenAddress 127.0.0.1
            HostKey \(path("host"))
            AuthorizedKeysFile \(path("user.pub"))
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            """, to: "configuration")
        for _ in 0..<20 where process == nil { try listen() }
        guard process != nil else { throw Complaint(description: "sshd does not start: \(text("log"))") }
        try write("[127.0.0.1]:\(port) " + text("host.pub"), to: "known_hosts")
    }

    deinit {
        process?.signal(SIGTERM)
        _ = process?.gather()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Tries a port.
    private func listen() throws {
        port = Int.random(in: 20_000..<60_000)
        try Data().write(to: folder.appending(path: "log"))
        let process = try ChildProcess(
            Self.program ?? "sshd", ["-D", "-f", path("configuration"), "-p", "\(port)", "-E", path("log")])
        while true {
            if text("log").contains("Server listening") {
                self.process = process
                return
            }
            if text("log").contains("Cannot bind") {
                _ = process.gather()
                return
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func text(_ name: String) -> String { (try? String(contentsOfFile: path(name), encoding: .utf8)) ?? "" }

    func write(_ text: String, to name: String) throws {
        try Data((text + "\n").utf8).write(to: folder.appending(path: name))
    }

    /// This box, as a box of its own folder.
    func box(_ name: String) -> Box {
        var box = Box(name: name, host: "127.0.0.1")
        box.port = port
        box.identity = path("user")
        box.sshOptions = ["UserKnownHostsFile=\(path("known_hosts"))", "GlobalKnownHostsFile=/dev/null"]
        box.folder = path("box-\(name)")
        return box
    }

    /// A bundle with a worker that says how it was called, and stays until it is told to end.
    func bundle(_ greeting: String = "hello") throws -> BundleArchive {
        try bundle(
            script: """
                echo \(greeting)
                for word in "$@"; do echo "word: $word"; done
                trap 'touch "\(path("told"))"; echo told to end; exit 0' TERM
                echo up
                while :; do sleep 0.02; done
                """)
    }

    /// A bundle that does nothing but what the shell is told.
    func bundle(script: String) throws -> BundleArchive {
        let bundle = folder.appending(path: "danlu-0/bin")
        try FileManager.default.createDirectory(at: bundle, withIntermediateDirectories: true)
        try write("machine=\(try machine())\nglibc=2.17\nkilobytes=100", to: "danlu-0/FACTS")
        try write("#!/bin/sh\n" + script, to: "danlu-0/bin/danlu")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path("danlu-0/bin/danlu"))
        let made = try ChildProcess("tar", ["-czf", path("bundle.tar.gz"), "-C", folder.path, "danlu-0"]).gather()
        guard made.status == 0 else { throw Complaint(description: "tar failed: \(made.lines)") }
        return try BundleArchive(path: path("bundle.tar.gz"))
    }

    private func machine() throws -> String { try ChildProcess("uname", ["-m"]).gather().lines.joined() }
}
