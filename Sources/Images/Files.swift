import Glibc

/// A file that cannot be read or written: which one, at what, and the system's reason.
package struct FileError: Error, Equatable, CustomStringConvertible {
    package let path: String
    /// What was tried, as in "read".
    package let action: String
    package let reason: String

    package init(path: String, action: String, reason: String) {
        self.path = path
        self.action = action
        self.reason = reason
    }

    package var description: String { "cannot \(action) \(path): \(reason)" }

    static func last(_ action: String, _ path: String) -> FileError {
        FileError(path: path, action: action, reason: String(cString: strerror(errno)))
    }
}

/// The bytes of a regular file.
///
/// - Parameter limit: the most bytes that are read; a longer file is refused before memory is taken.
package func readFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    // Not to wait at a pipe for somebody who writes.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .last("read", path) }
    defer { close(descriptor) }

    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileError(path: path, action: "read", reason: "it is not a regular file")
    }
    guard status.st_size <= limit else {
        throw FileError(path: path, action: "read", reason: "it has \(status.st_size) bytes, more than \(limit)")
    }

    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
        let count = bytes.withUnsafeMutableBytes { all in
            let rest = UnsafeMutableRawBufferPointer(rebasing: all[filled...])
            return read(descriptor, rest.baseAddress, rest.count)
        }
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw .last("read", path) }
        if count == 0 { break }
        filled += count
    }
    bytes.removeLast(bytes.count - filled)
    return bytes
}

/// Writes a file whole or not at all: under another name first, synced, then renamed, and the folder synced.
///
/// Several processes may write the same path at once: one of them wins, and none is torn.
package func writeAtomically(_ bytes: [UInt8], to path: String) throws(FileError) {
    let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .last("write", path) }
    do throws(FileError) {
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor, path: path)
        guard fsync(descriptor) == 0 else { throw .last("write", path) }
        guard rename(temporary, path) == 0 else { throw .last("write", path) }
    } catch {
        unlink(temporary)
        throw error
    }
    syncFolder(of: path)
}

private func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { all in
            let rest = UnsafeRawBufferPointer(rebasing: all[written...])
            return write(descriptor, rest.baseAddress, rest.count)
        }
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw .last("write", path) }
        written += count
    }
}

/// Makes the new name last; some file systems cannot sync a folder, and then there is nothing more to do.
private func syncFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
}
