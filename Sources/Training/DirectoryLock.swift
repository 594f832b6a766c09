import Foundation

/// Keeps a second process out of a directory for as long as it lives; the kernel lets go when the process dies.
final class DirectoryLock {
    private let descriptor: Int32

    /// - Throws: ``RunFilesError`` when the directory is taken or cannot be written.
    init(_ directory: URL) throws {
        let path = directory.appending(path: ".lock").path
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw RunFilesError.notWritable(directory.path, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw RunFilesError.taken(directory.path)
        }
    }

    deinit { close(descriptor) }
}
