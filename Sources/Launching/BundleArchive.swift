import Crypto
import Foundation

/// An archive that `Cluster/bundle` made.
package struct BundleArchive: Equatable, Sendable {
    package let path: String
    /// SHA-256, in hexadecimal.
    package let hash: String
    /// What `uname -m` must say on a box.
    package let machine: String
    /// The oldest glibc that will do.
    package let glibc: String
    /// How much room it takes when unpacked, in KiB.
    package let kilobytes: Int

    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    package init(path: String, hash: String, machine: String, glibc: String, kilobytes: Int) {
        (self.path, self.hash, self.machine, self.glibc, self.kilobytes) = (path, hash, machine, glibc, kilobytes)
    }

    /// Reads an archive's facts, and its hash.
    ///
    /// - Throws: ``Unusable`` where it is none of ours.
    package init(path: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Unusable(
                description: "\(path) cannot be read: make it with Cluster/bundle, or name another with --bundle")
        }
        let listing = try ChildProcess("tar", ["-xzOf", path, "--wildcards", "--occurrence=1", "*/FACTS"]).gather()
        var facts: [String: String] = [:]
        for line in listing.lines {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { facts[String(parts[0])] = String(parts[1]) }
        }
        guard listing.status == 0, let machine = facts["machine"], let glibc = facts["glibc"],
            let kilobytes = facts["kilobytes"].flatMap({ Int($0) }), GlibcVersion(glibc) != nil, kilobytes > 0
        else { throw Unusable(description: "\(path) is no bundle: make one with Cluster/bundle") }
        var hash = SHA256()
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
        self.init(
            path: path, hash: hash.finalize().map { String(format: "%02x", $0) }.joined(), machine: machine,
            glibc: glibc, kilobytes: kilobytes)
    }
}
