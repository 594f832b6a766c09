import Foundation
import Journal
import ProgramSupport
import Testing

@testable import Dashboard

@Suite struct `A dashboard` {
    private let run: RunFolder
    private let token = AccessToken()
    private let coordinator: JournalWriter

    init() throws {
        run = try RunFolder()
        coordinator = try run.coordinator()
        coordinator.write(.joined(worker: "box1", number: 1, exactnessClass: "x"))
        coordinator.write(.span(step: 2, name: "optimizer", seconds: 0.25))
        try coordinator.write(steps: 0..<3, workers: ["box1", "box\"2\\\n"])
        try run.addSamples(steps: [1], prompts: ["a horse"])
    }

    private func serve(
        _ host: String = "127.0.0.1", port: Int = 0, _ steering: Steering? = nil
    ) async throws -> DashboardServer {
        let (folder, token) = (run.folder, token)
        return try await apart {
            Result {
                try DashboardServer(
                    run: folder, at: DashboardAddress(host: host, port: port), token: token,
                    controls: steering?.controls)
            }
        }.get()
    }

    private static let secrets = [
        "/stream", "/metrics", "/recipe", "/plan", "/samples/step-000001-00.png",
    ]

    @Test func `shows nothing to who has no token, beyond its own box`() async throws {
        let steering = Steering("box1")
        let server = try await serve("0.0.0.0", steering)
        let port = server.address.port
        let wrong = ["Authorization": "Bearer \(AccessToken().text)", "Cookie": "danlu-\(port)=\(AccessToken().text)"]
        for path in Self.secrets {
            for headers in [[:], wrong] {
                let answer = try await RawConnection.ask("GET", path, port: port, headers: headers)
                #expect(answer.status == 401 && !answer.contains("horse") && !answer.contains("box1"), "\(path)")
            }
        }
        let page = try await RawConnection.ask("GET", "/", port: port)
        #expect(page.status == 200 && !page.contains("horse") && !page.contains("box1"))
        #expect(
            try await RawConnection.ask("GET", "/session", port: port).contains(#""maySee":false"#))
        let forged = try await RawConnection.ask(
            "POST", "/session", port: port, headers: ["Origin": "http://127.0.0.1:\(port)", "X-Danlu": "1"],
            body: #"{"token":"\#(AccessToken().text)"}"#)
        #expect(forged.status == 403 && !forged.contains("Set-Cookie"))
        let asked = try await RawConnection.ask("POST", "/control", port: port, body: #"{"operation":"pause"}"#)
        #expect(asked.status == 403 && steering.asked == [])

        let known = ["Authorization": "Bearer \(token.text)"]
        for path in Self.secrets.dropFirst() {
            #expect(try await RawConnection.ask("GET", path, port: port, headers: known).status == 200, "\(path)")
        }
        await server.end()
    }

    @Test func `gives a cookie for the token, and does what its own page asks, and nobody else's`() async throws {
        let steering = Steering("box1")
        let server = try await serve("0.0.0.0", steering)
        let port = server.address.port
        let ours = ["Origin": "http://127.0.0.1:\(port)", "X-Danlu": "1"]
        let entered = try await RawConnection.ask(
            "POST", "/session", port: port, headers: ours, body: #"{"token":"\#(token.text)"}"#)
        #expect(entered.status == 200)
        let cookie = try #require(
            entered.firstMatch(of: /Set-Cookie: ([^;]*); Path=\/; Max-Age=[0-9]*; HttpOnly; SameSite=Strict/))
        let known = ["Cookie": String(cookie.1)]
        #expect(try await RawConnection.ask("GET", "/plan", port: port, headers: known).contains("two horses"))

        let strangers: [[String: String]] = [
            [:], ["X-Danlu": "1"], ["Origin": "http://127.0.0.1:\(port)"],
            ["Origin": "http://evil.example", "X-Danlu": "1"], ["Origin": "null", "X-Danlu": "1"],
        ]
        for headers in strangers {
            let answer = try await RawConnection.ask(
                "POST", "/control", port: port, headers: known.merging(headers) { $1 }, body: #"{"operation":"save"}"#)
            #expect(answer.status == 403, "\(headers)")
        }
        #expect(steering.asked == [])
        let headers = known.merging(ours) { $1 }
        func control(_ body: String) async throws -> String {
            try await RawConnection.ask("POST", "/control", port: port, headers: headers, body: body)
        }
        for body in [
            "", "{}", #"{"operation":"stop"}"#, #"{"operation":"drain"}"#, #"{"operation":"pause","worker":"x"}"#,
        ] {
            #expect(try await control(body).status == 400, "\(body)")
        }
        #expect(try await control(String(repeating: "x", count: 5000)).status == 413)
        let saved = try await control(#"{"operation":"save"}"#)
        #expect(saved.status == 200 && saved.contains(#""isDone":true"#) && saved.contains(#""sentence":"done: save""#))
        #expect(steering.asked == [.save])
        await server.end()
    }

    @Test func `of this box alone answers to no other name, and to no path outside of the run`() async throws {
        let server = try await serve()
        let port = server.address.port
        for name in ["evil.example", "evil.example:\(port)", "127.0.0.1.evil.example:\(port)", "10.0.0.1:\(port)"] {
            let answer = try await RawConnection.ask("GET", "/plan", port: port, headers: ["Host": name])
            #expect(answer.status == 421 && !answer.contains("horses"), "\(name)")
        }
        #expect(
            try await RawConnection.ask("GET", "/plan", port: port, headers: ["Host": "localhost:\(port)"]).status
                == 200)
        for path in [
            "/samples/../recipe.toml", "/samples/..%2Frecipe.toml", "/samples/prompts.txt",
            "/samples/%2e%2e/recipe.toml",
            "/samples/step-000001-00.png%00.txt", "/samples/step-1-1.png/../../recipe.toml", "/journal.sqlite",
            "/dashboard.token",
        ] {
            let answer = try await RawConnection.ask("GET", path, port: port)
            #expect(answer.status == 404 || answer.status == 400, "\(path): \(answer.prefix(100))")
        }
        let page = try await RawConnection.ask("GET", "/", port: port)
        #expect(page.contains("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'"))
        #expect(page.contains("X-Content-Type-Options: nosniff"))
        await server.end()
    }

    @Test func `says when its port is taken, or its address is not this box's`() async throws {
        let server = try await serve()
        await #expect(throws: DashboardError.portTaken(server.address)) {
            _ = try await serve(port: server.address.port)
        }
        do {
            _ = try await serve("192.0.2.1", port: 5580)
            Issue.record("192.0.2.1 is nobody's")
        } catch {
            #expect("\(error)".hasPrefix("the dashboard cannot listen at 192.0.2.1:5580 ("), "\(error)")
        }
        await server.end()
    }

    @Test func `gives each of many browsers what it lacks, and lets no flood of them grow`() async throws {
        let server = try await serve()
        let port = server.address.port
        var streams: [RawConnection] = []
        // None of them reads.
        for _ in 0..<100 {
            let stream = try RawConnection(port: port)
            stream.send("GET /stream HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n")
            streams.append(stream)
        }
        var answers: [Int] = []
        for stream in streams.suffix(30) { answers.append(await stream.receive(until: "\r\n\r\n").status) }
        #expect(answers.contains(503) || answers.allSatisfy { $0 == 200 })
        #expect(server.watcherCount <= RunWatch.watcherLimit)
        // Steps go on, and others are served.
        try coordinator.write(steps: 3..<40, workers: ["box1"])
        #expect(try await RawConnection.ask("GET", "/plan", port: port).status == 200)
        streams = []
        let start = ContinuousClock.now
        while server.watcherCount > 0, ContinuousClock.now - start < .seconds(20) {
            try coordinator.write(steps: 40..<41, workers: ["box1"])
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(server.watcherCount == 0)
        let stream = try RawConnection(port: port)
        stream.send("GET /stream HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n")
        #expect(await stream.receive(until: "event: samples").contains("event: steps"))
        await server.end()
    }

    @Test func `keeps the run's token for the next start, where only its owner reads it`() throws {
        let first = AccessToken(ofRun: run.folder)
        #expect(AccessToken(ofRun: run.folder) == first && first.text.count == 32)
        let path = run.folder.appending(path: AccessToken.file).path
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        try Data("nonsense".utf8).write(to: URL(filePath: path))
        #expect(AccessToken(ofRun: run.folder) != first)
        #expect(first.matches(first.text) && !first.matches("") && !first.matches(first.text + "0"))
    }
}
