import Wire

/// How fast each worker is, how long its step takes beside computing, and how punctual all of them have been lately.
struct Speeds: Sendable {
    /// Slots a second that shares are cut by.
    private var used: [WorkerID: Double] = [:]
    private var measured: [WorkerID: Double] = [:]
    /// Seconds of a step in which a worker has no weights yet, or has computed and its sums are on their way: its cable's
    /// doing, whatever its share.
    private var moving: [WorkerID: Double] = [:]
    private var usedMoving: [WorkerID: Double] = [:]
    /// Of recent leases: time taken over time expected.
    private var lateness: [Double] = []

    /// A change smaller than this share leaves the cut as it is.
    private let hysteresis = 0.15
    /// The same for seconds, as a share of the step.
    private let movingHysteresis = 0.1
    private let memory = 0.3

    mutating func measure(_ worker: WorkerID, slots: Int, seconds: Double) {
        guard slots > 0, seconds > 0, seconds.isFinite else { return }
        let speed = Double(slots) / seconds
        let mean = measured[worker].map { $0 + memory * (speed - $0) } ?? speed
        measured[worker] = mean
        if let old = used[worker], abs(mean / old - 1) < hysteresis { return }
        used[worker] = mean
    }

    /// - Parameter step: seconds of the whole step.
    mutating func measure(_ worker: WorkerID, moving seconds: Double, of step: Double) {
        guard seconds >= 0, seconds.isFinite else { return }
        let mean = moving[worker].map { $0 + memory * (seconds - $0) } ?? seconds
        moving[worker] = mean
        if abs(mean - usedMoving[worker, default: 0]) > movingHysteresis * step { usedMoving[worker] = mean }
    }

    /// Slots a second; nil before the first.
    func speed(of worker: WorkerID) -> Double? { measured[worker] }

    /// What to cut by: a worker not measured yet counts as the mean of the others.
    func shares(of workers: [WorkerID]) -> [Double] {
        let known = workers.compactMap { used[$0] }
        let mean = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
        return workers.map { used[$0] ?? mean }
    }

    /// How much longer than for the quickest of them weights and sums are on their way, in seconds.
    func delays(of workers: [WorkerID]) -> [Double] {
        let seconds = workers.map { usedMoving[$0, default: 0] }
        let least = seconds.min() ?? 0
        return seconds.map { $0 - least }
    }

    mutating func finished(_ slots: Int, by worker: WorkerID, in seconds: Double) {
        guard let speed = measured[worker], speed > 0 else { return }
        lateness.append(seconds / (Double(slots) / speed))
        if lateness.count > 32 { lateness.removeFirst() }
    }

    /// When a lease of this many slots is late: median + 6·MAD of recent ones; nil before there are any.
    ///
    /// Whoever has not been measured yet may be four times as slow as the slowest.
    func deadline(for slots: Int, of worker: WorkerID) -> Duration? {
        guard lateness.count >= 3, let speed = measured[worker] ?? measured.values.min().map({ $0 / 4 }), speed > 0
        else { return nil }
        let median = Speeds.median(lateness)
        let deviation = Speeds.median(lateness.map { abs($0 - median) })
        let factor = max(1.5 * median, median + 6 * deviation)
        return .seconds(min(1e6, factor * Double(slots) / speed))
    }

    mutating func forget(_ worker: WorkerID) {
        used[worker] = nil
        measured[worker] = nil
        moving[worker] = nil
        usedMoving[worker] = nil
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

/// Cuts `count` slots into contiguous shares, so that all are done at the same time.
///
/// Nobody loses its last slot to its delay, since that is measured only where something is computed.
///
/// No cut makes the slowest share later than it must be; among the cuts that do not, the one that falls on the
/// largest power of two is taken, so that a share is few whole subtrees.
///
/// - Parameters:
///   - speeds: slots a second.
///   - delays: seconds that each share takes beside; none where empty.
/// - Returns: for each speed its range of `0..<count`, which may be empty, in order and without gaps.
package func cut(_ count: Int, among speeds: [Double], after delays: [Double] = []) -> [Range<Int>] {
    guard count > 0, !speeds.isEmpty else { return speeds.map { _ in 0..<0 } }
    // The least time in which all of it can be done: some worker ends a whole slot exactly then.
    func capacity(_ time: Double, _ speed: Double) -> Int { Int(max(0, min(Double(count), time * speed * (1 + 1e-9)))) }
    func capacities(_ time: Double) -> [Int] {
        speeds.indices.map { index in
            let delay = index < delays.count ? delays[index] : 0
            return max(capacity(time - delay, speeds[index]), min(1, capacity(time, speeds[index])))
        }
    }
    var low = 0.0
    var high = (delays.max() ?? 0) + Double(count) / (speeds.max() ?? 1)
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
