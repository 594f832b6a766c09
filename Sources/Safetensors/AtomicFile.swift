import Glibc

/// Writes the file at `path` so that at any instant there is either all of the old one or all of the new one.
///
/// The bytes go to a file of another name in the same folder, which is flushed to disk, renamed, and whose folder is
/// flushed. When anything fails (a full disk, an error thrown by `body`) that file is removed and the old one stays.
///
/// - Parameter body: calls its argument with the next bytes, as often as it likes.
package func writeAtomically(
    to path: String, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
) throws {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let temporary = "\(folder)/.\(name).\(getpid())-\(UInt32.random(in: 0 ... .max)).partial"

    let file = try OutputFile(creating: temporary, for: path)
    do {
        try body(file.write)
        try file.flush()
        guard rename(temporary, path) == 0 else { throw file.failure() }
    } catch {
        unlink(temporary)
        throw error
    }
    try flushFolder(folder, for: path)
}

private func flushFolder(_ folder: String, for path: String) throws(SafetensorsError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(descriptor) }
    // Some file systems cannot flush a folder and say EINVAL; there is nothing more to be done on those.
    guard descriptor >= 0, fsync(descriptor) == 0 || errno == EINVAL else {
        throw SafetensorsError(path: path, problem: .cannotWrite(reason: String(cString: strerror(errno))))
    }
}

/// A file being written, closed when its owner lets go of it.
package final class OutputFile {
    private let descriptor: CInt
    /// The name under which errors are reported: the one the user knows.
    private let path: String

    /// Makes a new file called `name`, which must not exist.
    convenience init(creating name: String, for path: String) throws(SafetensorsError) {
        try self.init(opening: name, flags: O_CREAT | O_EXCL, for: path)
    }

    /// Opens the file called `name`, whose errors are to name `path`.
    package init(opening name: String, flags: CInt = 0, for path: String) throws(SafetensorsError) {
        self.path = path
        descriptor = open(name, flags | O_WRONLY | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure() }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Writes all of `bytes`.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure() }
            rest = rest.dropFirst(written)
        }
    }

    /// Waits until what was written is on disk.
    func flush() throws(SafetensorsError) {
        guard fsync(descriptor) == 0 else { throw failure() }
    }

    /// The last failed call, in the system's words.
    func failure() -> SafetensorsError {
        SafetensorsError(path: path, problem: .cannotWrite(reason: String(cString: strerror(errno))))
    }
}
