import Foundation

/// An event file that grows.
struct TensorBoardFile {
    /// What is in the names of the files that this program wrote, and may empty.
    private static let ending = ".danlu"

    private let handle: FileHandle
    private let path: String
    /// Bytes of whole records.
    private var length: UInt64 = 0

    /// Makes a file whose first record says what it is.
    ///
    /// - Parameter path: of a file that is not there.
    private init(creating path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw TensorBoardError(path: path, reason: String(cString: strerror(errno))) }
        self.handle = handle
        self.path = path
    }

    /// Begins a new file of a folder, whose name sorts behind those that are there, and fills it before anybody can see it.
    ///
    /// - Parameter replacing: whether the other files are then emptied. A TensorBoard that is reading one would wait for
    ///   it for ever if it were gone.
    static func begin(
        in folder: URL, replacing: Bool, fill: (inout TensorBoardFile) throws -> Void
    ) throws -> TensorBoardFile {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw TensorBoardError(path: folder.path, reason: error.localizedDescription)
        }
        let earlier = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter(isOurs)
        let latest = earlier.compactMap { Int($0.split(separator: ".").dropFirst(3).first ?? "") }.max() ?? 0
        let number = max(Int(Date().timeIntervalSince1970), latest + 1)
        let path = folder.appending(path: "events.out.tfevents.\(number).\(host).\(getpid())\(ending)").path
        let hidden = folder.appending(path: ".filling-\(getpid())").path
        try? FileManager.default.removeItem(atPath: hidden)
        var file = try TensorBoardFile(creating: hidden)
        do {
            try file.append([TensorBoardEvent(time: Date(), step: 0, contents: .version)])
            try fill(&file)
            guard rename(hidden, path) == 0 else {
                throw TensorBoardError(path: path, reason: String(cString: strerror(errno)))
            }
        } catch {
            try? FileManager.default.removeItem(atPath: hidden)
            throw error
        }
        if replacing {
            for name in earlier where truncate(folder.appending(path: name).path, 0) != 0 {
                throw TensorBoardError(
                    path: folder.appending(path: name).path, reason: String(cString: strerror(errno)))
            }
        }
        return file
    }

    private static func isOurs(_ name: String) -> Bool {
        name.hasPrefix("events.out.tfevents.") && name.hasSuffix(ending)
    }

    /// This box's name, without what could not stand in a file's.
    private static var host: String {
        String(ProcessInfo.processInfo.hostName.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }

    /// Writes whole records, or leaves the file as it was.
    mutating func append(_ events: [TensorBoardEvent]) throws {
        let bytes = events.flatMap(\.record)
        do {
            try handle.seek(toOffset: length)
            try handle.write(contentsOf: bytes)
            length += UInt64(bytes.count)
        } catch {
            try? handle.truncate(atOffset: length)
            throw TensorBoardError(path: path, reason: error.localizedDescription)
        }
    }
}

/// Why the event files are not what they should be.
package struct TensorBoardError: Error, CustomStringConvertible {
    let path: String
    let reason: String

    package var description: String {
        "the TensorBoard file \(path) cannot be written (\(reason)): make room on its disk, or choose another logging_dir"
    }
}
