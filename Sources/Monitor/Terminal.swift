import Foundation
import Glibc

/// What the other end of a file descriptor can show.
package struct Terminal: Equatable, Sendable {
    /// False for a pipe, a file, and a terminal that cannot move its cursor.
    package var canRedraw: Bool
    /// Columns, at this moment.
    package var width: Int
    /// Rows, at this moment.
    package var height: Int
    /// Whether the locale says UTF-8.
    package var unicode: Bool
    package var colour: Bool

    package init(canRedraw: Bool = true, width: Int, height: Int, unicode: Bool = true, colour: Bool = false) {
        self.canRedraw = canRedraw
        self.width = width
        self.height = height
        self.unicode = unicode
        self.colour = colour
    }

    /// Asks the system about `descriptor`.
    package init(descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
        var size = winsize()
        let isMeasured = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
        self.init(
            isTerminal: isatty(descriptor) == 1,
            measured: isMeasured ? (Int(size.ws_col), Int(size.ws_row)) : (0, 0), environment: environment)
    }

    /// The same, of what the system has answered.
    init(isTerminal: Bool, measured: (columns: Int, rows: Int), environment: [String: String]) {
        func said(_ name: String, or other: Int) -> Int {
            environment[name].flatMap(Int.init).map { min(max($0, 1), 10_000) } ?? other
        }
        canRedraw = isTerminal && !["", "dumb"].contains(environment["TERM"] ?? "")
        width = measured.columns > 0 ? measured.columns : said("COLUMNS", or: 80)
        height = measured.rows > 0 ? measured.rows : said("LINES", or: 24)
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        unicode = locale.lowercased().replacing("-", with: "").contains("utf8")
        // <https://no-color.org>
        colour = canRedraw && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// Whether this process has the terminal; one in the background must not draw over what the shell writes.
    package static func isForeground(_ descriptor: Int32) -> Bool {
        let group = tcgetpgrp(descriptor)
        return group == -1 || group == getpgrp()
    }
}
