import Foundation
import ProgramSupport
import Synchronization

/// What a cable carries, each way.
struct Rate: CustomStringConvertible {
    let bitsPerSecond: Int

    static let gigabit = Rate(bitsPerSecond: 1_000_000_000)
    static let fastEthernet = Rate(bitsPerSecond: 100_000_000)
    static func megabits(_ count: Int) -> Rate { Rate(bitsPerSecond: count * 1_000_000) }

    var description: String { bitsPerSecond >= 1_000_000_000 ? "1 Gbit" : "\(bitsPerSecond / 1_000_000) Mbit" }

    /// A bucket holds 10 ms, and no packet waits for longer than 200.
    var shaping: String {
        "tbf rate \(bitsPerSecond)bit burst \(max(16_384, bitsPerSecond / 800)) latency 200ms"
    }
}

/// One box of a ``Lab``: a network namespace.
struct Box {
    let name: String
    let number: Int
    let lab: String

    var namespace: String { "\(lab)-\(name)" }
    var address: String { "10.77.0.\(number)" }
    /// The switch's end of its cable.
    var port: String { "port\(number)" }
    private var switchboard: String { "\(lab)-switch" }

    /// Starts the program in this box.
    func danlu(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws -> Launched {
        try Launched(
            ["netns", "exec", namespace, Launched.program()] + arguments, in: folder, executable: "/usr/sbin/ip",
            environment: environment)
    }

    /// Makes both ends of its cable as slow as that.
    func shape(_ rate: Rate) throws {
        try runShell(
            """
            tc -n \(namespace) qdisc replace dev eth0 root \(rate.shaping)
            tc -n \(switchboard) qdisc replace dev \(port) root \(rate.shaping)
            """)
    }

    /// Lets the kernel of this box take no more of a connection's bytes than that before it has sent them; before anything is
    /// started.
    func limitSendBuffers(to bytes: Int) throws {
        try runShell(
            """
            ip netns exec \(namespace) sh -ec 'echo 4096 16384 \(bytes) >/proc/sys/net/ipv4/tcp_wmem'
            """)
    }

    /// Pulls the cable: nothing passes, and no connection is told.
    func unplug() throws { try runShell("ip -n \(switchboard) link set dev \(port) down") }

    func plug() throws { try runShell("ip -n \(switchboard) link set dev \(port) up") }

    /// Loses some of what comes to it and goes from it, by chance.
    ///
    /// - Parameter share: how many packets of a hundred, each way.
    func lose(_ share: Int) throws {
        try runShell(
            """
            ip netns exec \(namespace) nft -f - <<'RULES'
            table inet lossy {
                chain arriving { type filter hook input priority 0; iif eth0 numgen random mod 100 < \(share) counter drop; }
                chain leaving { type filter hook output priority 0; oif eth0 numgen random mod 100 < \(share) counter drop; }
            }
            RULES
            """)
    }

    /// How many packets it has lost so far.
    func lostPackets() throws -> Int {
        try runShell("ip netns exec \(namespace) nft list table inet lossy")
            .matches(of: /packets (\d+)/).reduce(0) { $0 + (Int($1.1) ?? 0) }
    }

    /// Drops all that comes from another box, which goes on hearing this one: a rule that comes before those which say
    /// what is for this box.
    func deafen(to other: Box) throws {
        try runShell("ip -n \(namespace) rule add pref 1 iif eth0 from \(other.address) blackhole")
    }

    func hear(_ other: Box) throws {
        try runShell("ip -n \(namespace) rule del pref 1 iif eth0 from \(other.address) blackhole")
    }

    /// Does something on a thread whose new sockets are this box's.
    func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let network = open("/run/netns/\(namespace)", O_RDONLY | O_CLOEXEC)
        defer { close(network) }
        let result = Mutex<Result<Value, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        Thread {
            let value = Result {
                guard let enter = Self.setns, enter(network, Self.networkNamespace) == 0 else {
                    throw Launched.Complaint(description: "\(namespace) cannot be entered")
                }
                return try body()
            }
            result.withLock { $0 = value }
            done.signal()
        }.start()
        done.wait()
        guard let value = result.withLock({ $0 }) else {
            throw Launched.Complaint(description: "nothing was done in \(namespace)")
        }
        return try value.get()
    }

    /// Swift's Glibc leaves this one out.
    private static let setns = dlsym(nil, "setns").map {
        unsafeBitCast($0, to: (@convention(c) (Int32, Int32) -> Int32).self)
    }
    /// CLONE_NEWNET, which it leaves out too.
    private static let networkNamespace: Int32 = 0x4000_0000

    /// The bytes that have left a box for good, seen by a process in it.
    static func sentBytes(of process: pid_t) -> Int {
        let table = (try? String(contentsOfFile: "/proc/\(process)/net/dev", encoding: .utf8)) ?? ""
        let line = table.split(separator: "\n").first { $0.contains("eth0:") }
        // Behind the name: eight columns of what came, then what went, bytes first.
        let columns = line?.split(separator: ":").last?.split(separator: " ") ?? []
        return columns.count > 8 ? Int(columns[8]) ?? 0 : 0
    }
}
