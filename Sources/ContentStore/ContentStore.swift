import Foundation

/// Contents on this box, named by their hash, in a folder that any number of processes share.
///
///     sha256/ab/abcdef…           complete, and found to be what its name says
///     sha256/ab/abcdef….partial   as much as has arrived; whoever goes on with it has it locked
///     views/…                     links to contents under the names that they have at the coordinator
///     latents/                    what the VAE said of pictures
///     users/…                     what each living process holds
///     hashes.json                 what is known of files, so that they are not hashed again
package final class ContentStore: Sendable {
    /// How it is with content.
    package enum Standing: Equatable, Sendable {
        case here(path: String)
        case missing
        /// Was here, but was no longer what its name says; it has been removed.
        case damaged
    }

    package let folder: String
    /// The most bytes that it may hold.
    package let limit: Int
    package let hashes: KnownHashes
    private let user: CacheUser
    /// Room that is left to the file system beside what is asked for.
    private static let margin = 1 << 20

    /// Opens a cache, and makes it if need be.
    ///
    /// - Throws: ``ContentError`` where the folder cannot be made or written to.
    package init(folder: String, limit: Int) throws(ContentError) {
        self.folder = folder
        self.limit = limit
        for name in ["sha256", "views", "users", "latents"] { try makeFolders("\(folder)/\(name)") }
        hashes = KnownHashes(file: "\(folder)/hashes.json")
        let lock = try Self.locked(folder)
        user = try CacheUser(in: "\(folder)/users")
        withExtendedLifetime(lock) {}
    }

    /// A folder in which latents may be kept.
    package var latentFolder: String { "\(folder)/latents" }

    private static func locked(_ folder: String) throws(ContentError) -> OpenFile {
        let lock = try OpenFile("\(folder)/.lock", O_RDWR | O_CREAT, action: "write")
        _ = try lock.lock(waiting: true)
        return lock
    }

    /// Holds contents for as long as this process lives, and makes room for those that are missing.
    ///
    /// - Throws: ``ContentError/beyondLimit(folder:needed:limit:)`` or ``ContentError/diskFull(folder:needed:free:)``
    ///   when they do not fit, whatever is evicted.
    package func hold(_ contents: some Sequence<Content>) throws(ContentError) {
        let contents = Set(contents)
        let lock = try Self.locked(folder)
        defer { withExtendedLifetime(lock) {} }
        try user.hold(contents.map(\.hash.description))
        let held = CacheUser.heldNames(in: "\(folder)/users")
        removeViews(except: held)
        let inventory = CacheInventory(contents: "\(folder)/sha256", others: latentFolder)
        let missing = inventory.missing(of: contents)
        guard missing > 0 else { return }

        let excess = inventory.size + missing - limit
        let shortage = missing + Self.margin - (try freeBytes(at: folder))
        let victims = inventory.victims(toFree: max(excess, shortage), held: held)
        let freed = victims.reduce(0) { $0 + $1.size }
        guard freed >= excess else {
            let others = inventory.entries.filter { entry in
                guard let name = entry.name, held.contains(name) else { return false }
                return !contents.contains { $0.hash.description == name }
            }
            let needed = contents.reduce(0) { $0 + $1.count } + others.reduce(0) { $0 + $1.size }
            throw .beyondLimit(folder: folder, needed: needed, limit: limit)
        }
        guard freed >= shortage else {
            throw .diskFull(folder: folder, needed: missing, free: try freeBytes(at: folder))
        }
        for victim in victims { unlink(victim.path) }
    }

    /// Looks for content, and makes sure that it is what it says it is.
    package func find(_ content: Content, progress: (Int) -> Void = { _ in }) throws(ContentError) -> Standing {
        let path = path(of: content)
        guard access(path, F_OK) == 0 else { return .missing }
        let found = try hashes.content(ofFile: path, progress: progress)
        guard found == content else {
            unlink(path)
            return .damaged
        }
        try OpenFile(path, O_RDONLY).touch()
        return .here(path: path)
    }

    /// Content that is missing, to be written from where an earlier try ended.
    ///
    /// - Parameter progress: told how many bytes of what has arrived earlier have been hashed.
    /// - Returns: nil when another process is writing it, or has just done so.
    package func begin(_ content: Content, progress: (Int) -> Void = { _ in }) throws(ContentError) -> PartialContent? {
        let path = path(of: content)
        try makeFolders(String(path.dropLast(2 * ContentHash.size + 1)))
        let file = try OpenFile(path + ".partial", O_RDWR | O_CREAT, action: "write")
        guard try file.lock() else { return nil }
        // Whoever had the lock before may have given the file its name, and another one may lie there now.
        var status = stat()
        guard stat(path + ".partial", &status) == 0, FileIdentity(status).inode == (try file.identity.inode) else {
            return nil
        }
        if access(path, F_OK) == 0 {
            unlink(path + ".partial")
            return nil
        }
        return try PartialContent(content, file, path: path, hashes: hashes, progress: progress)
    }

    /// Where content lies when it is here.
    package func path(of content: Content) -> String {
        let name = content.hash.description
        return "\(folder)/sha256/\(name.prefix(2))/\(name)"
    }

    /// A folder with links to files under paths of another box, which stays as long as this process lives.
    ///
    /// - Parameter files: absolute paths as the other box has them, and where the same bytes lie here.
    /// - Returns: what to put before each of those paths.
    /// - Throws: ``ContentError/unsafePath(_:)`` for a path that would lead out of the folder.
    package func view(of files: [(path: String, place: String)]) throws(ContentError) -> String {
        let view = try ContentView(files)
        let lock = try Self.locked(folder)
        defer { withExtendedLifetime(lock) {} }
        try user.hold([view.name])
        let root = "\(folder)/views/\(view.name)"
        try view.make(at: root)
        return root
    }

    private func removeViews(except held: Set<String>) {
        for name in names(in: "\(folder)/views") where !held.contains(name) {
            try? FileManager.default.removeItem(atPath: "\(folder)/views/\(name)")
        }
    }
}
