import Foundation
package import Wire

/// The memory of this process, as the kernel has it.
package enum ResidentMemory {
    /// What is in memory now, of the box's whole; nil where there is no `/proc`.
    package static func read() -> Status.Memory? {
        // In pages: all of it, and what of it is in memory.
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
        else { return nil }
        return Status.Memory(
            used: pages * UInt64(max(1, sysconf(Int32(_SC_PAGESIZE)))), total: ProcessInfo.processInfo.physicalMemory)
    }
}
