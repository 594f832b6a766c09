import Foundation

/// Takes a lab down: its processes, its namespaces, its mounts and its folder.
///
/// It is a process of its own, which waits for the end of a pipe that the lab holds open. So it does its work whether
/// the lab ends as it should, by Ctrl-C, in a crash or by `kill -9`.
final class Guardian {
    private let process = Process()
    private let pipe = Pipe()

    /// What is done with the arguments PREFIX (of namespaces) and FOLDER.
    private static let takeDown = """
        trap '' INT TERM HUP
        cat >/dev/null
        for name in $(ip netns list | cut -d ' ' -f 1 | grep "^$1-"); do
            for process in $(ip netns pids "$name"); do kill -9 "$process" 2>/dev/null; done
            ip netns delete "$name"
        done
        for mount in $(cut -d ' ' -f 2 /proc/mounts | grep "^$2/"); do umount -l "$mount"; done
        rm -rf "$2"
        """

    init(prefix: String, folder: URL) throws {
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", Self.takeDown, "guardian", prefix, folder.path]
        process.standardInput = pipe
        try process.run()
        try pipe.fileHandleForReading.close()
    }

    /// Takes everything down now, and waits until that is done.
    func finish() {
        try? pipe.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    deinit { finish() }

    /// Takes down what labs have left that are dead, and whose guardians are dead too.
    static func sweep() {
        let folder = FileManager.default.temporaryDirectory
        let names = ["/run/netns", folder.path].flatMap {
            (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? []
        }
        let owners = Set(
            names.filter { $0.hasPrefix(Lab.prefix) }.compactMap { name in
                name.dropFirst(Lab.prefix.count).split(separator: "-").first.flatMap { pid_t($0) }
            })
        for owner in owners where kill(owner, 0) != 0 {
            let dead = names.filter { $0.hasPrefix("\(Lab.prefix)\(owner)-") }
            print("lab: taking down what a dead lab left: \(dead.sorted().joined(separator: ", "))")
            for number in Set(
                dead.compactMap { $0.dropFirst(Lab.prefix.count).split(separator: "-").dropFirst().first })
            {
                let prefix = "\(Lab.prefix)\(owner)-\(number)"
                try? Guardian(prefix: prefix, folder: folder.appending(path: prefix)).finish()
            }
        }
    }
}
