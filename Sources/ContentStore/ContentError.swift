/// Why content cannot be had, in one sentence.
package enum ContentError: Error, Equatable, CustomStringConvertible {
    /// A call of the system's that failed on a file: what was tried, as in "read", and the system's reason.
    case file(String, action: String, reason: String)
    /// No regular file.
    case notAFile(String)
    /// A file is no longer the one that was listed.
    case changed(String)
    /// Somebody asks for what is no part of the run.
    case notListed(ContentHash)
    /// What arrived is not what was asked for.
    case wrongHash(found: ContentHash, wanted: ContentHash)
    /// What is wanted does not fit into the cache's limit, in bytes.
    case beyondLimit(folder: String, needed: Int, limit: Int)
    /// What is missing does not fit on the disk, in bytes.
    case diskFull(folder: String, needed: Int, free: Int)
    /// The disk became full while this file was written.
    case noRoom(String)
    /// A path that leads out of the folder it belongs in.
    case unsafePath(String)

    package var description: String {
        switch self {
        case .file(let path, let action, let reason): "cannot \(action) \(path): \(reason)"
        case .notAFile(let path): "\(path) is not a regular file: name one that is"
        case .changed(let path):
            "\(path) is no longer what it was when the run began: put the old one back, or start the run again"
        case .notListed(let hash): "\(hash.short)… is no part of this run: start the worker again"
        case .wrongHash(let found, let wanted):
            "what arrived has SHA-256 \(found.short)…, where \(wanted.short)… was asked for: "
                + "check the memory and the network of both boxes"
        case .beyondLimit(let folder, let needed, let limit):
            "the run needs \(byteText(needed)) in the cache \(folder), which may hold \(byteText(limit)): "
                + "raise --cache-limit"
        case .diskFull(let folder, let needed, let free):
            "the cache \(folder) lacks \(byteText(needed)) and its disk has \(byteText(free)) free: "
                + "make room, or name a folder on another disk with --cache"
        case .noRoom(let path):
            "cannot write \(path): its disk is full; make room, or name a folder on another disk with --cache"
        case .unsafePath(let path):
            "the coordinator lists '\(path)', which is no plain absolute path: install the same Danlu on both"
        }
    }
}

/// Bytes as people read them: `4.3 GB`, in powers of ten.
package func byteText(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 999.95 || unit == "GB" {
            let tenths = Int((value * 10).rounded())
            return unit == "bytes" || value >= 99.95
                ? "\(Int(value.rounded())) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        value /= 1000
    }
    return "\(count) bytes"
}
