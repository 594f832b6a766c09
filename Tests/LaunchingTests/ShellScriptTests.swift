import Testing

@testable import Launching

@Suite struct `A script for a box` {
    @Test(arguments: [
        "plain", "", "two words", "it's", "''", "$(echo x)`echo y`$HOME", "a\\nb\nc", "; exit 3", "-n", "*", "ü",
    ])
    func `takes any text as text`(text: String) throws {
        let script = ShellScript([("text", text)], "printf '%s|' \"$text\"")
        let (status, lines) = try ChildProcess("sh", ["-s"], input: .text(script.text)).gather()
        #expect(status == 0)
        #expect(lines.joined(separator: "\n") == text + "|")
    }

    @Test func `ends the worker when its input ends`() throws {
        let script = Delivery.work([
            "/bin/sh", "-c", "trap 'echo told; exit 7' TERM; echo up; while :; do sleep 0.02; done",
        ])
        let process = try ChildProcess("sh", ["-s"], input: .text(script.text))
        var lines: [String] = []
        _ = process.run { line in
            lines.append(line)
            if line == "up" { process.closeInput() }
        }
        #expect(lines == ["up", "told", "danlu:status=7"])
    }
}
