import Coordination
import Foundation
import Torch

/// What a worker needs of the box it runs on, as `danlu doctor` finds it.
enum BoxFacts {
    /// Free bytes below which a base model and its pictures may not fit.
    private static let littleDisk: UInt64 = 8_000_000_000
    private static let littleMemory: UInt64 = 4_000_000_000

    /// - Parameter folder: where a worker keeps what comes from the coordinator; it need not be there yet.
    static func disk(_ folder: String) -> Checkup.Finding {
        var place = URL(filePath: folder, directoryHint: .isDirectory)
        while !FileManager.default.fileExists(atPath: place.path), place.path != "/" { place.deleteLastPathComponent() }
        guard access(place.path, W_OK) == 0 else {
            return Checkup.Finding(
                "disk", false, "\(place.path) may not be written to: let this user write there, or set XDG_CACHE_HOME")
        }
        var facts = statvfs()
        guard statvfs(place.path, &facts) == 0 else {
            return Checkup.Finding(
                "disk", false, "\(place.path) cannot be looked at: \(String(cString: strerror(errno)))")
        }
        let free = UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
        let words = "\(gigabytes(free)) free for \(folder)"
        return free < littleDisk
            ? Checkup.Finding("disk", nil, words + ", which is little where the base model has to be copied")
            : Checkup.Finding("disk", true, words)
    }

    static func memory() -> Checkup.Finding {
        let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        let kilobytes = line.flatMap { line in line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } }
        guard let bytes = kilobytes.map({ $0 * 1024 }) else {
            return Checkup.Finding("memory", nil, "/proc/meminfo does not say how much is free")
        }
        let words = "\(gigabytes(bytes)) available"
        return bytes < littleMemory
            ? Checkup.Finding("memory", nil, words + ", which is little for Stable Diffusion 1.5")
            : Checkup.Finding("memory", true, words)
    }

    static func device(_ name: String) -> Checkup.Finding {
        do {
            let device = try Device(parsing: name)
            return Checkup.Finding(
                "device", true,
                "\(device), \(ProcessInfo.processInfo.activeProcessorCount) cores, libtorch \(LibTorch.version)")
        } catch {
            return Checkup.Finding("device", false, "\(error)")
        }
    }

    private static func gigabytes(_ bytes: UInt64) -> String { "\((Double(bytes) / 1e8).rounded() / 10) GB" }
}
