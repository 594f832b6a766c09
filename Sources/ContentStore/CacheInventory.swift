import Glibc

/// What lies in a cache, and what may go when there is no room.
struct CacheInventory: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        let path: String
        /// What a process holds it by; nil for what may go at any time.
        let name: String?
        let isPartial: Bool
        let size: Int
        /// Nanoseconds since 1970.
        let usedAt: Int
    }

    var entries: [Entry]

    /// - Parameters:
    ///   - contents: a folder of folders of files named by their hash, complete or with `.partial` behind it.
    ///   - others: a folder of files that can be made again.
    init(contents: String, others: String) {
        entries = []
        for group in names(in: contents) {
            for file in names(in: "\(contents)/\(group)") {
                let isPartial = file.hasSuffix(".partial")
                add("\(contents)/\(group)/\(file)", name: String(file.prefix(64)), isPartial: isPartial)
            }
        }
        for file in names(in: others) { add("\(others)/\(file)", name: nil, isPartial: false) }
    }

    init(_ entries: [Entry]) {
        self.entries = entries
    }

    private mutating func add(_ path: String, name: String?, isPartial: Bool) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        let used = max(status.st_atim.tv_sec, status.st_mtim.tv_sec)
        let nanoseconds = used == status.st_atim.tv_sec ? status.st_atim.tv_nsec : status.st_mtim.tv_nsec
        entries.append(
            Entry(
                path: path, name: name, isPartial: isPartial, size: Int(status.st_size),
                usedAt: Int(used) &* 1_000_000_000 &+ Int(nanoseconds)))
    }

    var size: Int { entries.reduce(0) { $0 + $1.size } }

    /// How many bytes of `contents` are missing here.
    func missing(of contents: Set<Content>) -> Int {
        let byName = Dictionary(grouping: entries) { $0.name ?? "" }
        return contents.reduce(into: 0) { missing, content in
            let own = byName[content.hash.description, default: []]
            if own.contains(where: { !$0.isPartial && $0.size == content.count }) { return }
            missing += max(0, content.count - (own.first(where: \.isPartial)?.size ?? 0))
        }
    }

    /// What goes first to make room for `count` bytes, longest unused first; all that may go when that is not enough.
    func victims(toFree count: Int, held: Set<String>) -> [Entry] {
        var freed = 0
        var victims: [Entry] = []
        for entry in entries.sorted(by: { ($0.usedAt, $0.path) < ($1.usedAt, $1.path) }) {
            if freed >= count { break }
            if let name = entry.name, held.contains(name) { continue }
            freed += entry.size
            victims.append(entry)
        }
        return victims
    }
}
