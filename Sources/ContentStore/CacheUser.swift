import Foundation
import Synchronization

/// This process among those that share a cache: what it names here, nobody evicts while it lives.
///
/// Each process has a file with the names, and a lock on that file which the kernel lets go of when the process dies.
final class CacheUser: Sendable {
    private let path: String
    private let file: OpenFile
    private let length = Mutex(0)

    /// - Parameter folder: of all users' files.
    init(in folder: String) throws(ContentError) {
        path = "\(folder)/\(getpid())-\(UInt32.random(in: 0 ... .max))"
        file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL, action: "write")
        _ = try file.lock()
    }

    deinit { unlink(path) }

    /// Adds names; call it while the cache is locked.
    func hold(_ names: some Sequence<String>) throws(ContentError) {
        let lines = Array(names.map { $0 + "\n" }.joined().utf8)
        try length.withLock { (length) throws(ContentError) in
            try file.write(lines, at: length)
            length += lines.count
        }
    }

    /// The names that living processes hold; the files of dead ones are removed.
    ///
    /// Call it while the cache is locked.
    static func heldNames(in folder: String) -> Set<String> {
        var held: Set<String> = []
        for name in names(in: folder) {
            let path = "\(folder)/\(name)"
            guard let file = try? OpenFile(path, O_RDWR) else { continue }
            if (try? file.lock()) == true {
                unlink(path)
            } else if let text = try? String(contentsOfFile: path, encoding: .utf8) {
                held.formUnion(text.split(separator: "\n").map(String.init))
            }
        }
        return held
    }
}
