extension String {
    /// The text in lines of at most `width` characters, each after `indent` spaces and ended by a newline.
    ///
    /// A word that is longer than a line has a line of its own.
    package func wrapped(indent: Int, width: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " " + word
        }
        return (lines + [line]).map { margin + $0 + "\n" }.joined()
    }
}
