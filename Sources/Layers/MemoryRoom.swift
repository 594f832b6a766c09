import Glibc

/// Whether there is memory for things that save time and that one can do without.
package struct MemoryRoom {
    /// Whether so many bytes more may be kept.
    package let has: (Int) -> Bool

    package init(_ has: @escaping (Int) -> Bool) {
        self.has = has
    }

    package static var unlimited: MemoryRoom { MemoryRoom { _ in true } }
    package static var none: MemoryRoom { MemoryRoom { _ in false } }

    /// As long as an eighth of this box's memory stays free, or of what its control group allows.
    ///
    /// Other processes may change the answer at any moment, so nothing that has to be the same everywhere may hang on it.
    package static var ofThisBox: MemoryRoom {
        MemoryRoom { bytes in
            guard let room = MemoryFigures.ofThisBox() else { return true }
            return room.available - bytes >= room.total / 8
        }
    }
}

/// Bytes as the kernel counts them.
package struct MemoryFigures: Equatable {
    package var available: Int
    package var total: Int

    package init(available: Int, total: Int) {
        self.available = available
        self.total = total
    }

    /// What is tightest among the box and the control groups around this process; nil where the kernel does not say.
    package static func ofThisBox() -> MemoryFigures? {
        guard let box = MemoryFigures(meminfo: text(of: "/proc/meminfo")) else { return nil }
        return ([box] + controlGroups()).min { $0.available < $1.available }
    }

    /// - Parameter text: of `/proc/meminfo`.
    package init?(meminfo text: String) {
        guard let available = number(after: "MemAvailable:", in: text), let total = number(after: "MemTotal:", in: text)
        else { return nil }
        self.init(available: available * 1024, total: total * 1024)
    }

    /// - Parameters:
    ///   - limit: of a control group's `memory.max`: a number, or `max`.
    ///   - current: of its `memory.current`.
    ///   - statistics: of its `memory.stat`. What is cached of files and not in use can be had again.
    package init?(limit: String, current: String, statistics: String) {
        guard let limit = number(after: "", in: limit), let current = number(after: "", in: current) else { return nil }
        self.init(available: limit - current + (number(after: "inactive_file", in: statistics) ?? 0), total: limit)
    }

    /// Of every group from this process's own up to the root.
    private static func controlGroups() -> [MemoryFigures] {
        let own = text(of: "/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }
        guard var path = own.map({ $0.dropFirst(3) }) else { return [] }
        var groups: [MemoryFigures] = []
        while true {
            let folder = "/sys/fs/cgroup" + (path == "/" ? "" : path)
            let group = MemoryFigures(
                limit: text(of: folder + "/memory.max"), current: text(of: folder + "/memory.current"),
                statistics: text(of: folder + "/memory.stat"))
            if let group { groups.append(group) }
            guard let slash = path.lastIndex(of: "/"), path.count > 1 else { return groups }
            path = slash == path.startIndex ? "/" : path[..<slash]
        }
    }
}

/// The number behind a name at the beginning of a line.
private func number(after name: String, in text: String) -> Int? {
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.dropFirst(name.count).split(separator: " ").first.flatMap { Int($0) }
}

/// A small file of the kernel's; empty where it cannot be read.
private func text(of path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    let capacity = 16 << 10
    return String(unsafeUninitializedCapacity: capacity) { max(0, read(descriptor, $0.baseAddress, capacity)) }
}
