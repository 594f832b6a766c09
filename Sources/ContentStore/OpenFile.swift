import Glibc

/// An open file, closed when its owner lets go of it; failures name its path.
final class OpenFile: Sendable {
    let path: String
    private let descriptor: CInt

    /// - Parameter flags: of `open(2)`; a named pipe is never waited for.
    init(_ path: String, _ flags: CInt, mode: mode_t = 0o644, action: String = "open") throws(ContentError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC | O_NONBLOCK, mode)
        guard descriptor >= 0 else { throw .last(action, path) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    var identity: FileIdentity {
        get throws(ContentError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw .last("read", path) }
            guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path) }
            return FileIdentity(status)
        }
    }

    /// Fills `target` from `offset` on.
    ///
    /// - Returns: bytes read; fewer than asked for only at the file's end.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(ContentError) -> Int {
        var filled = 0
        while filled < target.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[filled...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .last("read", path) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ContentError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw errno == ENOSPC ? .noRoom(path) : .last("write", path) }
            written += count
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(ContentError) {
        let written = bytes.withUnsafeBytes { bytes in
            Result { () throws(ContentError) in try write(bytes, at: offset) }
        }
        try written.get()
    }

    func shorten(to count: Int) throws(ContentError) {
        guard ftruncate(descriptor, off_t(count)) == 0 else { throw .last("write", path) }
    }

    /// Waits until all is on disk.
    func flush() throws(ContentError) {
        guard fsync(descriptor) == 0 else { throw errno == ENOSPC ? .noRoom(path) : .last("write", path) }
    }

    /// Lets nobody write to it by accident.
    func protect() { fchmod(descriptor, 0o444) }

    /// Notes that it was used just now, which file systems often do not do by themselves; what it holds stays as old.
    func touch() {
        var status = stat()
        var now = timespec()
        guard fstat(descriptor, &status) == 0, clock_gettime(CLOCK_REALTIME, &now) == 0 else { return }
        let times = [now, status.st_mtim]
        futimens(descriptor, times)
    }

    /// `flock(2)`, which the kernel lets go of when the last process that holds it dies.
    ///
    /// - Returns: false when somebody else has it.
    func lock(waiting: Bool = false) throws(ContentError) -> Bool {
        while flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw .last("lock", path) }
            return false
        }
        return true
    }
}

/// Which file it is, and whether anybody has written to it since.
struct FileIdentity: Codable, Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: Int
    /// Nanoseconds since 1970.
    let modified: Int

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        modified = Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec)
    }
}

extension ContentError {
    static func last(_ action: String, _ path: String) -> ContentError {
        .file(path, action: action, reason: String(cString: strerror(errno)))
    }
}
