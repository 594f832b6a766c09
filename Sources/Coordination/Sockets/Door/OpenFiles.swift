import Glibc

/// How many files, and so connections, this process may have open at one time.
package enum OpenFiles {
    /// Beyond this nobody needs more, and some systems allow a billion.
    private static let most = 1 << 20

    /// The limit in force.
    package static var limit: Int { limits.map { Int(clamping: $0.rlim_cur) } ?? 1024 }

    /// Raises the limit as far as the system lets this process.
    package static func raise() {
        guard var raised = limits else { return }
        raised.rlim_cur = max(raised.rlim_cur, min(raised.rlim_max, rlim_t(most)))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised)
    }

    /// Connections of a coordinator that may not have joined: at most 256, and a quarter of all files.
    static var roomForStrangers: Int { min(256, max(8, limit / 4)) }

    /// Workers that a coordinator has room for, two connections each, beside strangers and its own files.
    package static var roomForWorkers: Int { min(4096, max(1, (limit - roomForStrangers - 64) / 2)) }

    /// What to say when there is no room for so many workers; nil when there is.
    package static func warning(forWorkers count: Int) -> String? {
        guard roomForWorkers < count else { return nil }
        return "this box lets a process have \(limit) files open, which is enough for \(roomForWorkers) workers: raise "
            + "'ulimit -Hn', or LimitNOFILE where systemd starts it"
    }

    private static var limits: rlimit? {
        var limits = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 ? limits : nil
    }
}
