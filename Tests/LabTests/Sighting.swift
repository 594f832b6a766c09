import Foundation
import Synchronization

/// What is seen of a coordinator from outside, with the time of each thing: the lines it prints, and the states it
/// writes.
///
/// A thread of its own looks, so that a fault can strike the moment it is due.
final class Sighting: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// A file in the folder of the states.
    enum StateEvent: Equatable {
        /// A file was begun under another name.
        case begun
        /// A state of so many steps is there.
        case written(Int)
    }

    private struct Seen {
        var lines: [(text: String, at: Instant)] = []
        var commits: [(step: Int, at: Instant)] = []
        var output: FileHandle?
        var unfinished = Data()
        var reflex: (event: StateEvent, act: @Sendable () -> Void)?
        var isOver = false
    }

    private let seen = Mutex(Seen())
    private let descriptor: Int32

    /// - Parameter states: the folder of the states; made if it is not there.
    init(states: URL) throws {
        try FileManager.default.createDirectory(at: states, withIntermediateDirectories: true)
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        inotify_add_watch(descriptor, states.path, UInt32(IN_CREATE | IN_MOVED_TO))
        let thread = Thread { [self] in
            while !seen.withLock({ $0.isOver }) { look() }
            close(descriptor)
        }
        thread.name = "sighting"
        thread.start()
    }

    /// Looks no more.
    func end() { seen.withLock { $0.isOver = true } }

    /// Reads on in the output of another coordinator.
    func follow(_ output: URL) throws {
        let handle = try FileHandle(forReadingFrom: output)
        seen.withLock { $0.output = handle }
    }

    /// Does something at once, on the thread that looks, when a file is there.
    func at(_ event: StateEvent, _ act: @escaping @Sendable () -> Void) {
        seen.withLock { $0.reflex = (event, act) }
    }

    /// The step that was committed last, counted from 1, and when; 0 and the distant past before the first.
    var committed: Int { seen.withLock { $0.commits.last?.step ?? 0 } }

    /// When the first state after `instant` was written whose step is not among those before.
    func commit(after instant: Instant) -> (step: Int, at: Instant)? {
        seen.withLock { seen in
            let highest = seen.commits.filter { $0.at <= instant }.map(\.step).max() ?? 0
            return seen.commits.first { $0.at > instant && $0.step > highest }
        }
    }

    /// When a line with `text` was printed after `instant`.
    func line(with text: String, after instant: Instant) -> Instant? {
        seen.withLock { $0.lines.first { $0.at >= instant && $0.text.contains(text) }?.at }
    }

    /// The last line with `text`, so far.
    func last(with text: String) -> String? {
        seen.withLock { $0.lines.last { $0.text.contains(text) }?.text }
    }

    /// How many lines have `text` in them.
    func count(of text: String) -> Int {
        seen.withLock { $0.lines.count { $0.text.contains(text) } }
    }

    private func look() {
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&interest, 1, 5)
        let events = readStateEvents()
        let now = ContinuousClock.now
        let act = seen.withLock { seen -> (@Sendable () -> Void)? in
            for case .written(let step) in events { seen.commits.append((step, now)) }
            if let data = try? seen.output?.read(upToCount: 1 << 16), !data.isEmpty {
                seen.unfinished.append(data)
                while let end = seen.unfinished.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: seen.unfinished[..<end], as: UTF8.self)
                    seen.lines.append((line, now))
                    seen.unfinished.removeSubrange(...end)
                }
            }
            guard let reflex = seen.reflex, events.contains(reflex.event) else { return nil }
            seen.reflex = nil
            return reflex.act
        }
        act?()
    }

    private func readStateEvents() -> [StateEvent] {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = read(descriptor, &buffer, buffer.count)
        var events: [StateEvent] = []
        var start = 0
        // inotify_event: the watch, the mask, a cookie and the name's length, four bytes each; then the name.
        while start + 16 <= count {
            let field = { (offset: Int) in
                buffer[start + offset..<start + offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
            }
            let length = Int(field(12))
            let name = String(decoding: buffer[start + 16..<start + 16 + length].prefix { $0 != 0 }, as: UTF8.self)
            if field(4) & UInt32(IN_CREATE) != 0, name.hasPrefix(".") { events.append(.begun) }
            if name.hasPrefix("step-"), name.hasSuffix(".safetensors"), let step = Int(name.dropFirst(5).dropLast(12)) {
                events.append(.written(step))
            }
            start += 16 + length
        }
        return events
    }
}
