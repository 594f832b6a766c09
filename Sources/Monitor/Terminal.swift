import Foundation
import Glibc

/// What the other end of a file descriptor can show.
package struct Terminal: Equatable, Sendable {
    /// False for a pipe, a file, and a terminal that cannot move its cursor.
    package let canRedraw: Bool
    /// Columns, at this moment.
    package let width: Int
    /// Whether the locale says UTF-8.
    package let unicode: Bool

    package init(canRedraw: Bool, width: Int, unicode: Bool) {
        self.canRedraw = canRedraw
        self.width = width
        self.unicode = unicode
    }

    /// Asks the system about `descriptor`.
    package init(descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
        var size = winsize()
        let measured = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? Int(size.ws_col) : 0
        self.init(isTerminal: isatty(descriptor) == 1, measuredWidth: measured, environment: environment)
    }

    /// The same, of what the system has answered.
    init(isTerminal: Bool, measuredWidth: Int, environment: [String: String]) {
        canRedraw = isTerminal && !["", "dumb"].contains(environment["TERM"] ?? "")
        width = measuredWidth > 0 ? measuredWidth : environment["COLUMNS"].flatMap(Int.init).map { max($0, 1) } ?? 80
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        unicode = locale.lowercased().replacing("-", with: "").contains("utf8")
    }

    package var style: ProgressDisplay.Style { canRedraw ? .bar(unicode: unicode) : .lines }
}
