import GRDB

/// Why a journal cannot be written or read.
package enum JournalError: Error, Equatable, CustomStringConvertible {
    case missing(String)
    case foreign(String)
    case otherRun(String)
    case damaged(String, reason: String)
    case version(String, found: Int, known: Int)
    case locked(String)
    case disk(String, reason: String)
    case behind(String, entries: Int)

    package var description: String {
        switch self {
        case .missing(let path): "there is no journal at \(path): name the folder of a run (its output_dir)"
        case .foreign(let path): "\(path) is no journal of a Danlu run"
        case .otherRun(let path): "\(path) is the journal of another run"
        case .damaged(let path, let reason): "\(path) is damaged (\(reason))"
        case .version(let path, let found, let known):
            "\(path) has version \(found) and this Danlu knows \(known): install the Danlu that wrote it, or move it away"
        case .locked(let path): "\(path) is locked by another program: close whatever has it open for writing"
        case .disk(let path, let reason): "\(path) cannot be written (\(reason)): make room on its disk, or repair it"
        case .behind(let path, let entries):
            "\(path) is \(entries) entries behind because its disk is slow: wait, or move output_dir to a faster one"
        }
    }

    /// What SQLite said, as a situation of ours.
    init(_ error: any Error, path: String) {
        if let known = error as? JournalError {
            self = known
            return
        }
        guard let error = error as? DatabaseError else {
            self = .disk(path, reason: "\(error)")
            return
        }
        let reason = error.message ?? "SQLite's code \(error.extendedResultCode.rawValue)"
        self =
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT:
                .damaged(path, reason: reason)
            case .SQLITE_BUSY, .SQLITE_LOCKED: .locked(path)
            default: .disk(path, reason: reason)
            }
    }

    /// Whether it is the file's contents that are at fault, so that another file would do.
    var isDamage: Bool {
        switch self {
        case .foreign, .otherRun, .damaged: true
        case .missing, .version, .locked, .disk, .behind: false
        }
    }
}
