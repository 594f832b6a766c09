import Foundation

/// A text file of bounded length that nobody else may meddle with.
enum SmallFile {
    /// - Parameters:
    ///   - limit: bytes.
    ///   - forbidden: permission bits that none of may be set, such as 0o077.
    ///   - fix: the permissions that would do, for chmod.
    static func read(_ path: String, limit: Int, forbidden: mode_t, fix: String) throws(KeyError) -> String {
        // Opening a pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw .missing(path: path) }
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "it is not a file")
        }
        guard facts.st_mode & forbidden == 0 else {
            throw .open(path: path, mode: String(facts.st_mode & 0o777, radix: 8), fix: fix)
        }
        guard facts.st_size <= limit else { throw .tooLong(path: path, bytes: Int(facts.st_size), limit: limit) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), limit - count)
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
            if got == 0 { break }
            count += got
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Writes a new file that only its owner may read; one that is there stays as it is.
    ///
    /// The file appears whole or not at all.
    static func create(_ text: String, at path: String, fix: String) throws(KeyError) {
        let draft = try write(text, besides: path)
        defer { unlink(draft) }
        guard link(draft, path) == 0 else {
            if errno == EEXIST { throw .exists(path: path, fix: fix) }
            throw .unreadable(path: path, reason: "it cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Writes a file anew, whole or not at all.
    static func replace(_ text: String, at path: String) throws(KeyError) {
        let draft = try write(text, besides: path)
        guard rename(draft, path) == 0 else {
            unlink(draft)
            throw .unreadable(path: path, reason: "it cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    private static func write(_ text: String, besides path: String) throws(KeyError) -> String {
        let draft = "\(path).\(UInt32.random(in: .min ... .max)).tmp"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unreadable(path: path, reason: "it cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(draft)
            throw .unreadable(path: path, reason: "it cannot be written: \(reason)")
        }
        return draft
    }
}
