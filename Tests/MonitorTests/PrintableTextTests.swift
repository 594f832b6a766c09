import Foundation
import Testing

@testable import Monitor

@Suite struct `Text for a terminal` {
    @Test(arguments: [
        ("a\u{1B}[2Jb", "a?[2Jb"), ("a\rb\nc\td", "a b c d"), ("\u{07}\u{00}\u{7F}\u{9B}31m", "????31m"),
        ("gpu\u{202E}evil", "gpu?evil"), ("a\u{2028}b", "a b"), ("a\u{200B}b\u{FEFF}", "a?b?"),
        ("\u{E000}\u{F8FF}", "??"), ("丹炉", "丹炉"), ("é", "é"),
    ])
    func `has nothing that moves the cursor or turns the direction`(text: String, shown: String) {
        #expect(text.printable() == shown)
        #expect(text.printable().printable() == shown, "twice is once")
    }

    @Test(arguments: [
        ("👨‍👩‍👧", "👨👩👧", 6), ("❤️", "❤", 1), ("👍🏽", "👍", 2), ("🇩🇪", "🇩🇪", 2),
        ("Z\u{338}\u{322}\u{347}\u{345}algo", "Z\u{338}\u{322}algo", 5),
    ])
    func `has only what all terminals count the same`(text: String, shown: String, columns: Int) {
        #expect(text.printable() == shown)
        #expect(text.printable().columns == columns)
    }

    @Test(arguments: [
        ("Müller – “box” …", "Muller - \"box\" ..."), ("丹炉🔥", "???"), ("→ ×2", "-> x2"), ("naïve", "naive"),
    ])
    func `is ASCII where the terminal is`(text: String, shown: String) {
        #expect(text.printable(unicode: false) == shown)
        #expect(text.printable(unicode: false).utf8.allSatisfy { 0x20 <= $0 && $0 < 0x7F })
    }

    @Test(arguments: [
        ("box", 3), ("丹炉", 4), ("ｆｕｌｌ", 8), ("ﾊﾝｶｸ", 4), ("한글", 4), ("e\u{301}", 1), ("🔥", 2), ("━╸─", 3), ("½", 1),
        ("\u{1100}\u{1161}\u{11A8}", 2), ("𠀋", 2), ("“”", 2), ("", 0),
    ])
    func `takes the columns that a terminal gives it`(text: String, columns: Int) { #expect(text.columns == columns) }

    @Test func `is clipped at whole characters, with a mark`() {
        #expect("丹炉丹炉".clipped(to: 8) == "丹炉丹炉")
        #expect("丹炉丹炉".clipped(to: 7) == "丹炉丹…")
        #expect("丹炉丹炉".clipped(to: 6) == "丹炉…")
        #expect("丹炉丹炉".clipped(to: 6, unicode: false) == "丹炉~")
        #expect("box".clipped(to: 1) == "…" && "box".clipped(to: 0).isEmpty && "box".clipped(to: -1).isEmpty)
        #expect("gpu.example.org/cuda-7".clippedInside(to: 13) == "gpu.ex…cuda-7")
        #expect("丹炉丹炉丹炉/7".clippedInside(to: 9) == "丹炉…炉/7")
        for width in 0...30 { #expect("gpu🔥丹炉.example/cuda-7".clippedInside(to: width).columns <= width) }
    }

    @Test func `keeps its lines and their margins where they fit, and breaks those that do not`() {
        let plan = "The plan\n  model           a model of some length\n\n  Note: short.\n"
        #expect(plan.wrapped(to: 80) == plan)
        #expect(
            plan.wrapped(to: 20)
                == "The plan\n  model a model of\n  some length\n\n  Note: short.\n")
        #expect("Done: 丹炉 x".wrapped(to: 10) == "Done: 丹炉\nx" && "".wrapped(to: 10).isEmpty)
    }

    @Test func `is broken into lines by words, and within a word that is longer than a line`() {
        #expect("one two three".lines(of: 7, indent: 0) == ["one two", "three"])
        #expect("box3 is gone: silent".lines(of: 10, indent: 2) == ["box3 is", "  gone:", "  silent"])
        #expect("abcdefghij".lines(of: 4) == ["abcd", "efgh", "ij"])
        #expect("丹炉丹炉丹".lines(of: 5) == ["丹炉", "丹炉", "丹"])
        #expect("丹炉".lines(of: 1).isEmpty && "".lines(of: 10).isEmpty)
        for width in 1...40 {
            let lines = "step 812: waiting for 丹炉box3 (last seen 4.1 s ago)".lines(of: width, indent: 2)
            #expect(lines.allSatisfy { $0.columns <= width })
        }
    }
}
