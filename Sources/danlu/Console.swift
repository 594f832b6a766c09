import Foundation
import Monitor

/// Lines for the user, whole even when several threads and processes write.
enum Console {
    static let error = Stream(FileHandle.standardError)
    static let output = Stream(FileHandle.standardOutput)

    struct Stream: Sendable {
        private let handle: FileHandle

        init(_ handle: FileHandle) {
            self.handle = handle
        }

        /// What its other end can show.
        var terminal: Terminal { Terminal(descriptor: handle.fileDescriptor) }

        /// A line or several; names in it cannot move the cursor of whoever reads it.
        func line(_ text: String) {
            let isTerminal = isatty(handle.fileDescriptor) == 1
            write(text.printableLines(unicode: !isTerminal || terminal.unicode) + "\n")
        }

        /// A reader that has gone away is no reason to stop training.
        func write(_ text: String) { try? handle.write(contentsOf: Data(text.utf8)) }
    }
}
