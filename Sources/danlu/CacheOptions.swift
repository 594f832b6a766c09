import ArgumentParser
import ContentStore
import Foundation

/// Where a worker keeps what it has fetched, and how much of it.
struct CacheOptions: ParsableArguments {
    @Option(help: "The folder for what comes from the coordinator. (default: ~/.cache/danlu)")
    var cache: String?

    @Option(help: "How much that folder may hold; what has not been used for longest goes first.")
    var cacheLimit = ByteCount(20_000_000_000)

    /// The folder, absolute.
    var folder: String { cache.map { URL(filePath: $0).standardizedFileURL.path } ?? Self.standard }

    /// The same, for another process.
    var arguments: [String] { ["--cache", folder, "--cache-limit", "\(cacheLimit.count)"] }

    func store() throws -> ContentStore { try ContentStore(folder: folder, limit: cacheLimit.count) }

    /// `$XDG_CACHE_HOME/danlu`, or `~/.cache/danlu`.
    static var standard: String {
        let environment = ProcessInfo.processInfo.environment
        // The XDG specification says that a path which is not absolute is to be passed over.
        if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") { return caches + "/danlu" }
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory()
        return home + "/.cache/danlu"
    }
}

/// A number of bytes as people write it: `20GB`, `500 MB`, `1.5TB`, in powers of ten; `GiB` and its kin in powers of two.
struct ByteCount: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let count: Int

    init(_ count: Int) {
        self.count = count
    }

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let unit = argument.dropFirst(number.count).trimmingCharacters(in: .whitespaces).lowercased()
        let factors: [String: Double] = [
            "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
            "kib": 0x1p10, "mib": 0x1p20, "gib": 0x1p30, "tib": 0x1p40,
        ]
        guard let value = Double(number), let factor = factors[unit],
            let count = Int(exactly: (value * factor).rounded())
        else { return nil }
        self.count = count
    }

    var description: String { byteText(count).replacingOccurrences(of: " ", with: "") }
    var defaultValueDescription: String { description }
}
