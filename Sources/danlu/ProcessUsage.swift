import Foundation

/// What this process has used of the box so far.
struct ProcessUsage {
    /// Of all threads, in seconds.
    var processorTime: Double
    /// Times that the kernel had to give a page.
    var pageFaults: Int
    /// The most memory that was in use at a time, in bytes.
    var peakMemory: Int

    static var now: ProcessUsage {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessUsage(
            processorTime: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9, pageFaults: usage.ru_minflt,
            peakMemory: usage.ru_maxrss * 1024)
    }

    /// Since the kernel started this process; 0 where it does not say.
    static var secondsSinceStart: Double {
        let stat = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
        let uptime = (try? String(contentsOfFile: "/proc/uptime", encoding: .utf8)) ?? ""
        // The name in parentheses may hold blanks; the start time is the 20th field behind it, in ticks.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 19, let ticks = Double(fields[19]), let now = uptime.split(separator: " ").first,
            let seconds = Double(now)
        else { return 0 }
        return seconds - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
