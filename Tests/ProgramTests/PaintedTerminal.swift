import Foundation
import Glibc
import Synchronization

/// A pseudo-terminal with a program on it, and what stands on its screen.
final class PaintedTerminal: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isOver = false
    }

    private let state = Mutex(State())
    private let process = Process()
    private let width: Int

    struct Missing: Error {}

    /// Starts a program whose standard output is the terminal.
    init(
        _ program: String, _ arguments: [String], in folder: URL, width: Int, height: Int,
        _ environment: [String: String]
    )
        throws
    {
        self.width = width
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (locked, number): (Int32, UInt32) = (0, 0)
        // TIOCSPTLCK and TIOCGPTN, which `posix_openpt` and its like are made of.
        guard master >= 0, ioctl(master, 0x4004_5431, &locked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
            throw Missing()
        }
        let slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard slave >= 0 else { throw Missing() }
        var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(slave, UInt(TIOCSWINSZ), &size)
        let handle = FileHandle(fileDescriptor: slave, closeOnDealloc: true)
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let fixed = ["XDG_CACHE_HOME": folder.appending(path: ".caches").path, "TERM": "xterm-256color"]
        let names = ["LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "COLUMNS", "LINES"]
        process.environment = ProcessInfo.processInfo.environment.filter { !names.contains($0.key) }
            .merging(fixed) { $1 }.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        try handle.close()
        let thread = Thread { [self] in
            var piece = [UInt8](repeating: 0, count: 4096)
            // Ends with an error when nobody has the other side open any more.
            while case let count = read(master, &piece, piece.count), count > 0 {
                state.withLock { $0.bytes += piece[..<count] }
            }
            close(master)
            state.withLock { $0.isOver = true }
        }
        thread.start()
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    /// All that was written.
    var bytes: [UInt8] { state.withLock { $0.bytes } }

    /// What stands on an endless screen, row by row, and the cursor's place.
    var screen: (rows: [String], row: Int, column: Int) {
        var painted = PaintedScreen(width: width)
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { painted.take(scalar) }
        return (painted.rows.map { String(String.UnicodeScalarView($0)) }, painted.row, painted.column)
    }

    func interrupt() { kill(process.processIdentifier, SIGINT) }

    /// Waits until a row begins with `text`.
    func wait(for text: String, within seconds: Double = 60) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !screen.rows.contains(where: { $0.contains(text) }) {
            guard ContinuousClock.now < deadline, !state.withLock({ $0.isOver }) else { throw Missing() }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Waits for the program's end, and for the last that it wrote.
    func end(within seconds: Double = 60) throws -> Int32 {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while process.isRunning || !state.withLock({ $0.isOver }) {
            guard ContinuousClock.now < deadline else { throw Missing() }
            Thread.sleep(forTimeInterval: 0.02)
        }
        return process.terminationStatus
    }
}

/// As much of a terminal as the program uses; anything else is written down as `?`.
private struct PaintedScreen {
    let width: Int
    var rows: [[Unicode.Scalar]] = [[]]
    var row = 0
    var column = 0
    private var sequence: String?

    init(width: Int) { self.width = width }

    mutating func take(_ scalar: Unicode.Scalar) {
        if let begun = sequence {
            sequence = begun + String(scalar)
            guard begun != "", scalar.properties.isAlphabetic else { return }
            obey(begun + String(scalar))
            sequence = nil
            return
        }
        switch scalar {
        case "\u{1B}": sequence = ""
        case "\r": column = 0
        case "\n":
            row += 1
            if row == rows.count { rows.append([]) }
        default:
            if column == width {
                row += 1
                column = 0
                if row == rows.count { rows.append([]) }
            }
            while rows[row].count <= column { rows[row].append(" ") }
            rows[row][column] = scalar
            column += 1
        }
    }

    private mutating func obey(_ sequence: String) {
        let number = Int(sequence.dropFirst().dropLast()) ?? 1
        switch sequence.last {
        case "A": row = max(0, row - number)
        case "K": rows[row] = Array(rows[row].prefix(column))
        case "J":
            rows[row] = Array(rows[row].prefix(column))
            rows.removeSubrange((row + 1)...)
        case "m": break
        default: take("?")
        }
    }
}
