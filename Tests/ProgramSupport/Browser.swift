import Foundation

/// A real Chromium without a window, driven by W3C WebDriver; it ends with this object.
///
/// <https://www.w3.org/TR/webdriver2/>
package final class Browser {
    package struct Complaint: Error, CustomStringConvertible {
        package let description: String
    }

    /// nil where there is no `chromedriver`; `Cluster/setup --clients` installs it.
    package static let driver: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/chromedriver" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    private let process = Process()
    private var port = 0
    private var session = ""

    package init() async throws {
        let lines = Pipe()
        process.executableURL = URL(filePath: Self.driver ?? "chromedriver")
        process.arguments = ["--port=0"]
        process.standardOutput = lines
        process.standardError = FileHandle.nullDevice
        try runUnblocked()
        // "ChromeDriver was started successfully on port 38911."
        var said = ""
        while true {
            let data = lines.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Complaint(description: "chromedriver ended: \(said)") }
            said += String(decoding: data, as: UTF8.self)
            if let match = said.firstMatch(of: /on port ([0-9]+)\./) {
                port = Int(match.1) ?? 0
                break
            }
        }
        let options: [String: Any] = [
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--enable-precise-memory-info", "--js-flags=--expose-gc",
            ]
        ]
        let answer =
            try await call("/session", ["capabilities": ["alwaysMatch": ["goog:chromeOptions": options]]])
            as? [String: Any]
        session = "/session/\(answer?["sessionId"] as? String ?? "")"
    }

    deinit {
        let all = children + [process.processIdentifier]
        for process in all { kill(process, SIGKILL) }
        process.waitUntilExit()
    }

    /// Starts the driver with no signal blocked: what a browser's processes tell each other by them must get through, and
    /// the threads of tests block them.
    private func runUnblocked() throws {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    /// The browser itself; its other processes end with it.
    private var children: [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { number in
            let stat = (try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)) ?? ""
            // The name in parentheses may hold blanks; behind it come the state and the parent.
            return stat.split(separator: ")").last?.split(separator: " ").dropFirst().first
                .flatMap { pid_t($0) } == process.processIdentifier
        }
    }

    /// What WebDriver answers with, of JSON's types.
    @discardableResult
    private func call(_ path: String, _ body: [String: Any]) async throws -> Any? {
        let text = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
        let answer = try await RawConnection.ask(
            "POST", path, port: port, headers: ["Content-Type": "application/json"], body: text)
        guard let start = answer.firstRange(of: "\r\n\r\n")?.upperBound else {
            throw Complaint(description: "chromedriver answered \(path) with: \(answer)")
        }
        let value =
            (try JSONSerialization.jsonObject(with: Data(answer[start...].utf8)) as? [String: Any])?["value"]
        if let error = value as? [String: Any], let message = error["message"] {
            throw Complaint(description: "\(path): \(message)")
        }
        return value
    }

    /// Opens a page, and comes back when it is loaded.
    package func open(_ url: String) async throws {
        try await call(session + "/url", ["url": url])
    }

    /// The window's inside; a narrow one is a telephone's.
    package func resize(width: Int, height: Int = 900) async throws {
        try await command(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500])
    }

    package func prefer(dark: Bool) async throws {
        try await command(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]]])
    }

    private func command(_ name: String, _ parameters: [String: Any]) async throws {
        try await call(session + "/goog/cdp/execute", ["cmd": name, "params": parameters])
    }

    /// What `return` gives back in the page.
    package func evaluate(_ script: String) async throws -> Any? {
        try await call(session + "/execute/sync", ["script": script, "args": [Any]()])
    }

    /// The text that a person sees.
    package func text(_ selector: String = "body") async throws -> String {
        try await evaluate("return document.querySelector('\(selector)').innerText") as? String ?? ""
    }

    /// Waits until `script` returns true.
    package func wait(for script: String, within limit: Duration = .seconds(20)) async throws {
        let start = ContinuousClock.now
        while try await evaluate("return Boolean(\(script))") as? Bool != true {
            guard ContinuousClock.now - start < limit else {
                throw Complaint(description: "never came: \(script); the page has: \(try await text())")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
