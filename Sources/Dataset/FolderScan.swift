import Glibc
import Images
package import Recipe

/// What lies in a data folder, in the same order on every box: by the bytes of the names.
package enum FolderScan {
    /// A folder's pictures.
    package struct Pictures: Equatable, Sendable {
        /// Paths, each the folder's and a name.
        package let paths: [String]
        /// What the user may have meant as pictures and is not read.
        package let notes: [String]
    }

    /// The subsets that kohya's folder layout stands for: `<repeats>_<class tokens>` in a data folder.
    ///
    /// Folders that are not named so, or whose repeats are below 1, are passed over with a note. Class tokens are what stands
    /// behind the first `_`; none is nil.
    ///
    /// - Parameter defaults: the settings that every subset starts from.
    /// - Throws: ``DatasetError`` where the folder cannot be opened or has no such folders.
    package static func subsets(
        in folder: String, isRegularization: Bool, defaults: TrainingData.Subset
    ) throws(DatasetError) -> (subsets: [TrainingData.Subset], notes: [String]) {
        var subsets: [TrainingData.Subset] = []
        var notes: [String] = []
        let entries = try entries(of: folder)
        for entry in entries where entry.isFolder {
            let parts = entry.name.split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
            guard let repeats = Int(parts[0]) else {
                notes.append("\(folder)/\(entry.name) is left out: it is not named <repeats>_<class tokens>")
                continue
            }
            guard repeats >= 1 else {
                notes.append("\(folder)/\(entry.name) is left out: it asks for \(repeats) repeats")
                continue
            }
            var subset = defaults
            subset.imageDirectory = folder.appending(component: entry.name)
            subset.repeats = repeats
            subset.isRegularization = isRegularization
            subset.classTokens = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : nil
            subsets.append(subset)
        }
        guard !subsets.isEmpty else {
            throw .noSubfolders(folder: folder, loosePictures: entries.filter(\.isPicture).count)
        }
        return (subsets, notes)
    }

    /// The pictures of one folder, by the endings of their names in upper or lower case; folders in it are not entered.
    ///
    /// - Throws: ``DatasetError`` where the folder cannot be opened or has no pictures.
    package static func pictures(in folder: String) throws(DatasetError) -> Pictures {
        let entries = try entries(of: folder)
        let paths = entries.filter(\.isPicture).map { folder.appending(component: $0.name) }
        guard !paths.isEmpty else { throw .noPictures(folder: folder) }
        let strangers = entries.filter {
            !$0.isFolder && ["gif", "avif", "heic", "jxl", "tif", "tiff"].contains($0.ending)
        }
        let note =
            "\(folder): \(strangers.count) files are left out, such as \(strangers.first?.name ?? ""): "
            + "convert them to PNG, JPEG, WebP or BMP"
        return Pictures(paths: paths, notes: strangers.isEmpty ? [] : [note])
    }

    private struct Entry {
        let name: String
        let isFolder: Bool
        var ending: String { name.split(separator: ".").last.map { $0.lowercased() } ?? "" }
        var isPicture: Bool { !isFolder && name.contains(".") && PictureFormat.fileExtensions.contains(ending) }
    }

    /// What is in a folder, hidden files aside; links count as what they lead to.
    private static func entries(of folder: String) throws(DatasetError) -> [Entry] {
        guard !folder.isEmpty else { throw .cannotOpenFolder(folder: "\"\"", reason: "no folder is named") }
        guard let stream = opendir(folder) else {
            throw .cannotOpenFolder(folder: folder, reason: String(cString: strerror(errno)))
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            var status = stat()
            let isKnown = stat(folder.appending(component: name), &status) == 0
            entries.append(Entry(name: name, isFolder: isKnown && status.st_mode & S_IFMT == S_IFDIR))
        }
        return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}

extension String {
    fileprivate func appending(component: String) -> String {
        hasSuffix("/") ? self + component : self + "/" + component
    }
}
