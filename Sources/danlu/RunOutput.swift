import Foundation
import Glibc
import Logging
import Monitor
import Synchronization

/// Where what a run has to say goes: a live view on a terminal, else lines, in sentences or in JSON.
///
/// May be told from any thread.
final class RunOutput: Sendable {
    /// What is said goes here; `event` in the metadata says what kind of thing it is.
    let logger: Logger
    /// Whether a view is drawn, beside which steps need no lines.
    let isLive: Bool
    /// Whether each record is a line of JSON.
    let isJSON: Bool
    private let painter: Painter

    /// - Parameter format: nil draws a live view where standard output is a terminal that can.
    init(_ format: LogFormat?) {
        let isLive = format == nil && Terminal(descriptor: STDOUT_FILENO).canRedraw
        let painter = Painter(isLive: isLive)
        self.painter = painter
        self.isLive = isLive
        isJSON = format == .json
        logger = Logger(label: "danlu") { _ in LineLogHandler(format ?? .plain) { painter.say($0) } }
        if isLive { Interruption.whenContinued { painter.letGo() } }
    }

    /// Says a sentence, or a text of several lines.
    func say(_ text: String, event: String, level: Logger.Level = .info, _ facts: Logger.Metadata = [:]) {
        logger.log(level: level, "\(text)", metadata: facts.merging(["event": .string(event)]) { $1 })
    }

    /// Shows how the run stands now.
    func show(_ standing: Standing) { painter.show(standing) }

    /// Leaves the view where it stands; what is said from now on comes below it.
    func finish() { painter.finish() }
}

/// Whoever writes to the terminal.
private final class Painter: Sendable {
    private struct State {
        var screen = LiveScreen()
        /// What the view shows; nil before there is anything, and when it is over.
        var standing: Standing?
    }

    private let isLive: Bool
    private let state = Mutex(State())

    init(isLive: Bool) {
        self.isLive = isLive
    }

    /// Lines with their newlines, to stay above the view.
    func say(_ text: String) {
        state.withLock { state in
            guard isLive else { return Console.output.write(text) }
            let terminal = Terminal(descriptor: STDOUT_FILENO)
            guard let standing = state.standing else {
                return Console.output.write(text.printableLines(unicode: terminal.unicode).wrapped(to: terminal.width))
            }
            let view = RunView(standing, on: terminal)
            let now = Date().timeIntervalSince1970
            let lines = text.split(separator: "\n").flatMap {
                view.happened(Standing.Event(time: now, sentence: String($0)))
            }
            draw(&state, above: lines)
        }
    }

    func show(_ standing: Standing) {
        guard isLive else { return }
        state.withLock { state in
            state.standing = standing
            draw(&state)
        }
    }

    /// Somebody else has written since the view was drawn.
    func letGo() { state.withLock { $0.screen.letGo() } }

    func finish() {
        state.withLock { state in
            draw(&state)
            state = State()
        }
    }

    private func draw(_ state: inout State, above: [ScreenLine] = []) {
        guard let standing = state.standing else { return }
        let terminal = Terminal(descriptor: STDOUT_FILENO)
        guard Terminal.isForeground(STDOUT_FILENO) else {
            state.screen.letGo()
            return Console.output.write(above.map { $0.plain + "\n" }.joined())
        }
        let lines = RunView(standing, on: terminal).live
        Console.output.write(state.screen.draw(lines, above: above, width: terminal.width, colour: terminal.colour))
    }
}
