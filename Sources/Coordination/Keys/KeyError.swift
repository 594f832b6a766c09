/// Why a key file or an allow-list cannot be used, in one sentence.
package enum KeyError: Error, Equatable, CustomStringConvertible {
    case missing(path: String)
    case unreadable(path: String, reason: String)
    case noFolder(path: String, reason: String)
    /// Others than its owner may read it, or write to it.
    case open(path: String, mode: String, fix: String)
    case tooLong(path: String, bytes: Int, limit: Int)
    case line(path: String, number: Int, reason: String)
    /// A field that a key file must have.
    case field(path: String, name: String, reason: String)
    case name(String)
    case exists(path: String, fix: String)

    package var description: String {
        switch self {
        case .missing(let path):
            "\(path) is not there: make keys with 'danlu keygen' and copy this one from where they are"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .noFolder(let path, let reason):
            "\(path) is no folder for keys, and cannot be made one (\(reason)): name another with --keys"
        case .open(let path, let mode, let fix):
            "\(path) is open to other users (mode \(mode)): close it with 'chmod \(fix) \(path)'"
        case .tooLong(let path, let bytes, let limit):
            "\(path) has \(bytes) bytes, where \(limit) are allowed: it is no file of keys"
        case .line(let path, let number, let reason): "\(path):\(number): \(reason)"
        case .field(let path, let name, let reason):
            "\(path): \(name) \(reason): copy the file again from where it was made"
        case .name(let name):
            "'\(name)' is no name for a worker: use 1 to 64 letters, digits, dots, dashes and underscores, "
                + "beginning with a letter or digit"
        case .exists(let path, let fix): "\(path) is there already, and no key is ever overwritten: \(fix)"
        }
    }
}
