import Coordination

/// What to type on a box that shall join a run.
struct JoinInstructions {
    let lines: [String]

    /// - Parameter address: where the coordinator listens.
    init(_ address: Address, keys: KeysFolder?) {
        let addresses = NetworkInterfaces.reachable(address)
        let key = keys == nil ? "" : " --key worker.key"
        var lines = addresses.prefix(1).map { "Workers join with: danlu work \($0)\(key)" }
        lines += addresses.dropFirst().map { "               or: danlu work \($0)\(key)" }
        if let keys {
            lines.append("Their key is \(keys.key("worker")), or one that 'danlu keygen --worker NAME' makes.")
        }
        if !address.isLoopback {
            lines.append("They must reach ports \(address.port) and \(address.port &+ 1) of this box.")
        }
        self.lines = lines
    }
}
