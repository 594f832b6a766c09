import Testing

@testable import Recipe

@Suite struct `The shape of TOML` {
    private func flaw(_ text: String) -> String {
        do {
            _ = try SettingsFile(toml: text, name: "r.toml")
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    /// Each of them is one at which toml++ itself ends the program, or does what nobody knows.
    @Test(arguments: [
        ("[=]", "1:2", "a header needs a name between its brackets"),
        ("a = 1\n[ \n]", "2:3", "a header needs a name between its brackets"),
        ("[[", "1:3", "a header needs a name between its brackets"),
        ("d = 2020-01-01 1", "1:15", "a value ends at a blank; a T stands between a date and its time"),
        ("d = ʿ", "1:5", "a value should stand here"),
        ("d = “rank”", "1:5", "a value should stand here"),
        ("d = [ }3", "1:7", "a value should stand here"),
        ("d = 1='é'", "1:6", "the line should end here"),
        ("d = 0b1[\"é\"]", "1:8", "the line should end here"),
        (
            "d = \"\"\"a \\\n  é\"\"\"", "2:3",
            "after a backslash at a line's end, begin with a letter of ASCII or an escape"
        ),
        (
            "d = 2020-01-10T:0ta", "1:5",
            "2020-01-10T:0ta is no number, no true or false, and no date; text stands in quotes"
        ),
        ("a = 1\0b = 2", "1:6", "the line should end here"),
    ])
    func `is missed before toml++ sees the text`(_ text: String, _ place: String, _ reason: String) {
        #expect(flaw(text) == "r.toml:\(place): this is no TOML: \(reason).")
    }

    @Test(arguments: [
        ("a", "an = should stand between a key and its value"), ("a =", "a value should stand here"),
        ("= 1", "a key should stand here"), ("a = 1 2", "a value ends at a blank"),
        ("a = \"x\nb\"", "the text's closing \" is missing"),
        ("a = '''x", "the closing quotes of this text are missing"),
        ("a = \"\\x\"", "there is no such escape"), ("a = \"\\u12\"", "4 hexadecimal digits should stand here"),
        ("a = [1 x]", "a comma or the list's ] should stand here"), ("a = {b = 1,}", "a key should stand here"),
        ("a = {b = 1\n}", "a comma or the table's } should stand here"), ("[[a]", "the header's ]] is missing"),
        ("[a] b", "the line should end here"), ("a = \"\u{7}\"", "a control character should be written as an escape"),
        ("# \u{1}", "a comment has a control character"), ("\"\"\"a\"\"\" = 1", "a key in quotes is on one line"),
    ])
    func `is missed in one sentence`(_ text: String, _ reason: String) {
        #expect(flaw(text).contains("this is no TOML: \(reason)"))
    }

    @Test func `is that of all that TOML allows`() throws {
        let text = #"""
            # ein Kommentar: 丹炉
            a.b . "c d" = 'é'   # blanks
            numbers = [ +1, -2.5e3, 0xFF, inf, # one
              1_000, ]
            when = 2020-01-01T12:00:00.5+01:00
            time = 12:00:01
            empty = []
            nothing = {}
            inline = { x = 1, "y" = [ { z = true } ] }
            quoted = "tab\t \" \u00e9 丹炉"
            long = """
            one \
               two ""\""""
            literal = '''
            it's \ all''''
            [ table . "sub" ]
            [[list]]
            [[ list ]]
            """#
        for text in [text, "\u{FEFF}" + text.replacing("\n", with: "\r\n")] {
            let values = try SettingsFile(toml: text, name: "r.toml").values
            #expect(values["literal"] == .text("it's \\ all'") && values["long"] == .text("one two \"\"\""))
            #expect(values.count == 12)
        }
    }

    @Test func `is bounded in depth`() {
        #expect(flaw("a = " + String(repeating: "[", count: 64) + String(repeating: "]", count: 64)) == "accepted")
        #expect(flaw("a = " + String(repeating: "[", count: 100_000)).contains("more than 64 lists and tables"))
        #expect(flaw("a = " + String(repeating: "{a=", count: 100_000)).contains("more than 64 lists and tables"))
    }
}
