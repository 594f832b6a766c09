import Testing

@testable import Monitor

private func lines(_ texts: String...) -> [ScreenLine] { texts.map { ScreenLine($0) } }

@Suite struct `A screen that is drawn over` {
    @Test func `goes back to its first row, and rests below its last`() {
        var screen = LiveScreen()
        let first = screen.draw(lines("one", "two"), width: 80, colour: false)
        #expect(first == "one\u{1B}[K\ntwo\u{1B}[K\n\u{1B}[J")
        let second = screen.draw(lines("three"), width: 80, colour: false)
        #expect(second == "\r\u{1B}[2Athree\u{1B}[K\n\u{1B}[J")
    }

    @Test func `lets lines pass above it, which stay`() {
        var screen = LiveScreen()
        _ = screen.draw(lines("one"), width: 80, colour: false)
        let text = screen.draw(lines("two"), above: lines("saved deer.safetensors"), width: 80, colour: false)
        #expect(text == "\r\u{1B}[1Asaved deer.safetensors\u{1B}[K\ntwo\u{1B}[K\n\u{1B}[J")
        let next = screen.draw(lines("three"), width: 80, colour: false)
        #expect(next.hasPrefix("\r\u{1B}[1A"), "what passed is not drawn over")
    }

    @Test func `counts the rows that a narrower terminal has made of its lines`() {
        var screen = LiveScreen()
        _ = screen.draw(lines(String(repeating: "x", count: 79), "", "丹炉"), width: 80, colour: false)
        let text = screen.draw(lines("a"), width: 40, colour: false)
        #expect(text.hasPrefix("\r\u{1B}[4A"), "79 columns are two rows of 40")
        _ = screen.draw(lines("丹炉"), width: 80, colour: false)
        let narrow = screen.draw(lines("a"), width: 3, colour: false)
        #expect(narrow.hasPrefix("\r\u{1B}[2A"))
    }

    @Test func `can be taken away or let stand`() {
        var screen = LiveScreen()
        let nothing = screen.clear(width: 80)
        #expect(nothing.isEmpty)
        _ = screen.draw(lines("one", "two"), width: 80, colour: false)
        let cleared = screen.clear(width: 80)
        #expect(cleared == "\r\u{1B}[2A\u{1B}[J")
        _ = screen.draw(lines("one", "two"), width: 80, colour: false)
        screen.letGo()
        let anew = screen.draw(lines("three"), width: 80, colour: false)
        #expect(anew == "three\u{1B}[K\n\u{1B}[J")
    }
}

@Suite struct `A terminal` {
    private func terminal(_ environment: [String: String], isTerminal: Bool = true, width: Int = 0) -> Terminal {
        Terminal(isTerminal: isTerminal, measured: (width, 0), environment: environment)
    }

    @Test func `is drawn on only where that can be done`() {
        #expect(terminal(["TERM": "xterm"]).canRedraw)
        #expect(!terminal(["TERM": "dumb"]).canRedraw && !terminal([:]).canRedraw)
        #expect(!terminal(["TERM": "xterm"], isTerminal: false).canRedraw)
    }

    @Test func `has the size that it says, or that the environment says, or the usual`() {
        #expect(terminal([:], width: 132).width == 132 && terminal(["COLUMNS": "100"], width: 132).width == 132)
        #expect(terminal(["COLUMNS": "100", "LINES": "50"]).width == 100)
        #expect(terminal(["LINES": "50"]).height == 50)
        #expect(terminal(["COLUMNS": "-3", "LINES": "99999999"]).width == 1)
        #expect(terminal(["LINES": "99999999"]).height == 10_000)
        #expect(terminal([:]).width == 80 && terminal([:]).height == 24)
    }

    @Test func `has more than ASCII where the locale says UTF-8`() {
        #expect(terminal(["LANG": "C.UTF-8"]).unicode && terminal(["LC_CTYPE": "de_DE.utf8"]).unicode)
        #expect(!terminal(["LC_ALL": "C", "LANG": "de_DE.utf8"]).unicode && !terminal([:]).unicode)
    }

    @Test func `has colours unless somebody wants none`() {
        #expect(terminal(["TERM": "xterm", "NO_COLOR": ""]).colour)
        #expect(!terminal(["TERM": "xterm", "NO_COLOR": "1"]).colour)
        #expect(!terminal(["TERM": "xterm"], isTerminal: false).colour)
    }
}
