/// A script for a box's `/bin/sh`, which reads it from standard input: no word of it is ever on a command line, so that
/// neither ssh nor the login shell of the box's user can read more into it.
struct ShellScript: Equatable {
    let text: String

    /// - Parameters:
    ///   - variables: set before the script runs, quoted so that they are text and nothing else.
    ///   - body: what runs. It stands in braces, so that it is read whole before any of it runs and takes no input of its
    ///     own.
    init(_ variables: [(name: String, value: String)], _ body: String) {
        text = variables.map { "\($0.name)=\(Self.quoted($0.value))\n" }.joined() + "{\n" + body + "\nexit 0\n}\n"
    }

    /// A word that a POSIX shell reads as this very text.
    static func quoted(_ text: String) -> String {
        "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
