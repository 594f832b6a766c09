import Crypto
import Glibc

/// Links to files, under the absolute paths that they have on another box, inside one folder.
struct ContentView {
    private let files: [(path: String, place: String)]
    /// What the view is called: two of the same files at the same places have the same name.
    let name: String

    /// - Throws: ``ContentError/unsafePath(_:)``.
    init(_ files: [(path: String, place: String)]) throws(ContentError) {
        var hasher = SHA256()
        for (path, place) in files {
            guard Self.isSafe(path) else { throw .unsafePath(path) }
            hasher.update(data: Array("\(path)\0\(place)\0".utf8))
        }
        self.files = files
        name = ContentHash(hasher.finalize()).description
    }

    /// Whether a path is absolute and stays below the folder it is put in.
    static func isSafe(_ path: String) -> Bool {
        guard path.hasPrefix("/"), path.utf8.count < 2048, !path.utf8.contains(0) else { return false }
        return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= Int(NAME_MAX) }
    }

    /// Makes what is missing of it.
    func make(at root: String) throws(ContentError) {
        try makeFolders(root)
        var folder = ""
        for (path, place) in files {
            let link = root + path
            let parent = String(link[..<(link.lastIndex(of: "/") ?? link.endIndex)])
            if parent != folder { try makeFolders(parent) }
            folder = parent
            if Self.target(of: link) == place { continue }
            unlink(link)
            guard symlink(place, link) == 0 else { throw .last("make", link) }
        }
    }

    private static func target(of link: String) -> String? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &target, target.count)
        guard count > 0 else { return nil }
        return String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
