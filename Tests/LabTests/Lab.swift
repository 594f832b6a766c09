import Foundation
import ProgramSupport
import Synchronization

/// Boxes that are not there: network namespaces on one machine, each with a shaped cable to a switch.
///
/// Nothing of the host's own network is touched: the cables run from namespace to namespace, and the addresses mean
/// something in there only.
final class Lab {
    static let prefix = "danlu-lab-"
    private static let count = Atomic<Int>(0)

    /// Of all its namespaces, whose names go on with `-BOX`.
    let name: String
    /// For the files of a scenario; goes with the lab.
    let folder: URL
    private let guardian: Guardian
    private var boxCount = 0

    var switchboard: String { "\(name)-switch" }

    init() throws {
        name = "\(Self.prefix)\(getpid())-\(Self.count.add(1, ordering: .relaxed).newValue)"
        folder = FileManager.default.temporaryDirectory.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guardian = try Guardian(prefix: name, folder: folder)
        try runShell(
            """
            ip netns add \(switchboard)
            ip -n \(switchboard) link add name bridge type bridge
            ip -n \(switchboard) link set dev bridge up
            """)
    }

    /// Adds a box with a cable to the switch.
    func box(_ name: String, rate: Rate = .gigabit) throws -> Box {
        boxCount += 1
        let box = Box(name: name, number: boxCount, lab: self.name)
        try runShell(
            """
            ip netns add \(box.namespace)
            ip -n \(switchboard) link add name \(box.port) type veth peer name eth0 netns \(box.namespace)
            ip -n \(switchboard) link set dev \(box.port) master bridge up
            ip -n \(box.namespace) address add \(box.address)/24 dev eth0
            ip -n \(box.namespace) link set dev lo up
            ip -n \(box.namespace) rule add pref 2 lookup local
            ip -n \(box.namespace) rule del pref 0
            ip -n \(box.namespace) link set dev eth0 up
            """)
        try box.shape(rate)
        return box
    }

    /// Takes all of it down.
    func close() { guardian.finish() }

    /// Why there can be no lab here; nil where there can.
    static let impossible: String? = {
        guard geteuid() == 0 else { return "virtual boxes need root" }
        Guardian.sweep()
        do {
            let lab = try Lab()
            _ = try lab.box("try")
            return nil
        } catch {
            return "virtual boxes need ip, tc and network namespaces: \(error)"
        }
    }()
}
