import Foundation
import FoundationNetworking
import ProgramSupport
import Testing

@testable import Launching

/// The program itself, on this box and, by way of ssh, on the same one again.
@Suite(.enabled(if: SecureShellServer.isThere, "openssh-server and openssh-client are not installed"))
struct `The launched program` {
    private static let project = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL

    private func write(recipe name: String, for server: SecureShellServer) throws {
        let lines = [
            "pretrained_model_name_or_path = \"\(Self.project.path)/Tests/Fixtures/tiny-sd1\"",
            "train_data_dir = \"\(Self.project.path)/Cluster/demo-data/train\"", "resolution = \"24,24\"",
            "network_dim = 2", "max_train_steps = 4000", "save_every_n_steps = 4000", "threads_per_worker = 1",
            "output_dir = \"out\"", "output_name = \"horse\"",
        ]
        try server.write(lines.joined(separator: "\n"), to: name)
    }

    private func ask(_ address: String, _ path: String, token: String, body: String? = nil) async throws -> String {
        var request = URLRequest(url: try #require(URL(string: address + path)), timeoutInterval: 60)
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        if let body {
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
        }
        return String(decoding: try await URLSession.shared.data(for: request).0, as: UTF8.self)
    }

    @Test func `shows its run in a browser, with the worker on the box, and is steered from there`() async throws {
        let server = try SecureShellServer()
        try write(recipe: "recipe.toml", for: server)
        let bundle = try server.bundle(script: "exec '\(Launched.program())' \"$@\"")
        let box = server.box("box")
        try server.write(
            """
            [[hosts]]
            host = "127.0.0.1"
            name = "box"
            port = \(server.port)
            identity = "\(server.path("user"))"
            ssh_options = [\(box.sshOptions.map { "\"\($0)\"" }.joined(separator: ", "))]
            folder = "\(box.folder)"
            devices = "cpu"
            options = ["--cache", "\(server.path("cache"))"]
            """, to: "hosts.toml")
        let run = try Launched(
            [
                "launch", "hosts.toml", "recipe.toml", "--bundle", bundle.path, "--keys", server.path("keys"),
                "--listen",
                "tcp://127.0.0.1:\(try TakenPort.free())", "--dashboard", "0",
            ], in: server.folder)
        try run.wait(forOutput: "#token=")
        let link = try #require(
            run.output.firstMatch(
                of: /coordinator \| dashboard: (http:\/\/127\.0\.0\.1:[0-9]+)\/#token=([0-9a-f]{32})/))
        let (address, token) = (String(link.1), String(link.2))
        try run.wait(forOutput: "coordinator | step 1/4000")
        let paused = try await ask(address, "/control", token: token, body: #"{"operation":"pause"}"#)
        #expect(paused.contains("paused before step"), "\(paused)")
        // It asks now and then how the run stands.
        let deadline = ContinuousClock.now + .seconds(60)
        var metrics = ""
        while !metrics.contains("danlu_worker_last_seen_seconds{worker=\"box\"}"), ContinuousClock.now < deadline {
            metrics = try await ask(address, "/metrics", token: token)
        }
        #expect(metrics.contains("danlu_worker_last_seen_seconds{worker=\"box\"}"), "\(metrics)")
        #expect(try await ask(address, "/", token: token).contains("<html"))
        run.signal(SIGINT)
        let ended = try run.end()
        #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended.output)\(ended.errors)")
        #expect(ended.output.contains("coordinator | Stopped after step"), "\(ended.output)")
    }

    @Test func `says what is no address before anything starts`() throws {
        let server = try SecureShellServer()
        let ended = try Launched(
            ["launch", "nowhere.toml", "--dashboard", "12.34:x"], in: server.folder
        ).end()
        #expect(ended.status == 1 && ended.output.isEmpty)
        #expect(
            ended.errors.hasPrefix("Error: --dashboard = 12.34:x is no address: write HOST:PORT"), "\(ended.errors)")
    }
}
