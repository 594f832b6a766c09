import Foundation

/// Lines for the user, whole even when several threads and processes write.
enum Console {
    static let error = Stream(FileHandle.standardError)
    static let output = Stream(FileHandle.standardOutput)

    struct Stream: Sendable {
        private let handle: FileHandle

        init(_ handle: FileHandle) {
            self.handle = handle
        }

        /// Whether a person is watching, and how wide the window is.
        var columns: Int? {
            guard isatty(handle.fileDescriptor) == 1 else { return nil }
            var size = winsize()
            guard ioctl(handle.fileDescriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
            return Int(size.ws_col)
        }

        func line(_ text: String) { write(text + "\n") }

        /// A reader that has gone away is no reason to stop training.
        func write(_ text: String) { try? handle.write(contentsOf: Data(text.utf8)) }
    }
}
