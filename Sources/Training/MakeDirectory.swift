import Foundation
package import Images

/// Makes a directory and those above it, as `mkdir -p` does.
///
/// - Throws: which one could not be made, with the system's reason.
package func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, 0o755) == 0 { return }
    let reason = errno
    switch reason {
    case EEXIST:
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { return }
    case ENOENT:
        let above = URL(filePath: path).deletingLastPathComponent().path
        if above != path, !FileManager.default.fileExists(atPath: above) {
            try makeDirectory(above)
            if mkdir(path, 0o755) == 0 { return }
        }
    default: break
    }
    throw FileError(path: path, action: "make the folder", reason: String(cString: strerror(reason)))
}
