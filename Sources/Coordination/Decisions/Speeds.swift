import Wire

/// How fast each worker is, and how punctual all of them have been lately.
struct Speeds: Sendable {
    /// Slots a second that shares are cut by.
    private var used: [WorkerID: Double] = [:]
    private var measured: [WorkerID: Double] = [:]
    /// Of recent leases: time taken over time expected.
    private var delays: [Double] = []

    /// A change smaller than this share leaves the cut as it is.
    private let hysteresis = 0.15
    private let memory = 0.3

    mutating func measure(_ worker: WorkerID, slots: Int, seconds: Double) {
        guard slots > 0, seconds > 0, seconds.isFinite else { return }
        let speed = Double(slots) / seconds
        let mean = measured[worker].map { $0 + memory * (speed - $0) } ?? speed
        measured[worker] = mean
        if let old = used[worker], abs(mean / old - 1) < hysteresis { return }
        used[worker] = mean
    }

    /// Slots a second; nil before the first.
    func speed(of worker: WorkerID) -> Double? { measured[worker] }

    /// What to cut by: a worker not measured yet counts as the mean of the others.
    func shares(of workers: [WorkerID]) -> [Double] {
        let known = workers.compactMap { used[$0] }
        let mean = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
        return workers.map { used[$0] ?? mean }
    }

    mutating func finished(_ slots: Int, by worker: WorkerID, in seconds: Double) {
        guard let speed = measured[worker], speed > 0 else { return }
        delays.append(seconds / (Double(slots) / speed))
        if delays.count > 32 { delays.removeFirst() }
    }

    /// When a lease of this many slots is late: median + 6·MAD of recent ones; nil before there are any.
    ///
    /// Whoever has not been measured yet may be four times as slow as the slowest.
    func deadline(for slots: Int, of worker: WorkerID) -> Duration? {
        guard delays.count >= 3, let speed = measured[worker] ?? measured.values.min().map({ $0 / 4 }), speed > 0
        else { return nil }
        let median = Speeds.median(delays)
        let deviation = Speeds.median(delays.map { abs($0 - median) })
        let factor = max(1.5 * median, median + 6 * deviation)
        return .seconds(min(1e6, factor * Double(slots) / speed))
    }

    mutating func forget(_ worker: WorkerID) {
        used[worker] = nil
        measured[worker] = nil
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

/// Cuts `count` slots into contiguous shares in proportion to `speeds`.
///
/// No cut makes the slowest share later than it must be; among the cuts that do not, the one that falls on the
/// largest power of two is taken, so that a share is few whole subtrees.
///
/// - Returns: for each speed its range of `0..<count`, which may be empty, in order and without gaps.
package func cut(_ count: Int, among speeds: [Double]) -> [Range<Int>] {
    guard count > 0, !speeds.isEmpty else { return speeds.map { _ in 0..<0 } }
    // The least time in which all of it can be done: some worker ends a whole slot exactly then.
    func capacities(_ time: Double) -> [Int] { speeds.map { Int(min(Double(count), time * $0 * (1 + 1e-9))) } }
    var low = 0.0
    var high = Double(count) / (speeds.max() ?? 1)
    for _ in 0..<60 {
        let middle = (low + high) / 2
        if capacities(middle).reduce(0, +) >= count { high = middle } else { low = middle }
    }
    let capacity = capacities(high)
    var left = capacity.reduce(0, +)
    var ranges: [Range<Int>] = []
    var start = 0
    for most in capacity {
        left -= most
        let earliest = max(start, count - left)
        let latest = min(count, start + most)
        let end = mostAligned(in: min(earliest, latest)...latest)
        ranges.append(start..<end)
        start = end
    }
    if let last = ranges.last { ranges[ranges.count - 1] = last.lowerBound..<count }
    return ranges
}

/// The number with the most trailing zero bits; of several the last.
private func mostAligned(in range: ClosedRange<Int>) -> Int {
    if range.lowerBound == 0 && range.upperBound == 0 { return 0 }
    var unit = 1
    while range.upperBound / (unit * 2) * (unit * 2) >= max(1, range.lowerBound) { unit *= 2 }
    return range.upperBound / unit * unit
}
