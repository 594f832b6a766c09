import Foundation
import Journal

/// A run's steps in at most ``rowLimit`` rows, however many they are: what the page's curves are drawn from.
struct StepTable: Equatable, Sendable {
    static let rowLimit = 1000

    /// Steps in a row, a power of two.
    private(set) var stride = 1
    private(set) var rows: [JournalReader.Bucket] = []
    /// Grows when earlier rows have changed, so that who has them must take all of them again.
    private(set) var generation = 0
    /// The first step of the rows that the last ``refresh(_:from:)`` brought; nil when it brought nothing.
    private(set) var freshStep: Int?

    /// Reads what is new.
    mutating func refresh(_ reader: JournalReader, to pulse: JournalReader.Pulse, isSameRun: Bool) throws(JournalError)
    {
        freshStep = nil
        let needed = Self.stride(for: (pulse.lastStep ?? -1) + 1)
        let mark = rows.last
        var isKept = isSameRun && needed == stride
        if let mark {
            if isKept { isKept = try reader.time(ofStep: mark.last) == mark.time && mark.last <= pulse.lastStep ?? -1 }
            if isKept, mark.last == pulse.lastStep { return }
        }
        if !isKept {
            generation += 1
            stride = needed
            rows = []
        }
        let start = isKept ? (mark?.step ?? 0) / stride * stride : 0
        let new = try reader.buckets(from: start, stride: stride)
        rows.removeAll { $0.step >= start }
        rows += new
        freshStep = start
    }

    static func stride(for steps: Int) -> Int {
        var stride = 1
        while (steps + stride - 1) / stride > rowLimit { stride *= 2 }
        return stride
    }

    /// What a page is told: columns, from the row of `step` on.
    struct Columns: Encodable {
        var generation: Int
        var stride: Int
        /// Rows of this step and later ones are replaced.
        var from: Int
        var step: [Int]
        var time: [Double]
        var series: [String: [Float?]]
    }

    func columns(from step: Int) -> Columns {
        let rows = rows.filter { $0.step >= step }
        let names = Set(rows.flatMap(\.values.keys))
        var series: [String: [Float?]] = [:]
        for name in names {
            series[name] = rows.map { row in row.values[name].map(Float.init).flatMap { $0.isFinite ? $0 : nil } }
        }
        return Columns(
            generation: generation, stride: stride, from: step, step: rows.map(\.step),
            time: rows.map(\.time.timeIntervalSince1970), series: series)
    }
}
