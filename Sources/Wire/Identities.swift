/// The name of a run: 16 bytes, given once, so that a worker of one run never joins another.
package struct RunID: Hashable, Sendable, CustomStringConvertible {
    /// The first and the last eight bytes, as little-endian numbers.
    package let halves: (UInt64, UInt64)

    package init(_ first: UInt64, _ last: UInt64) {
        halves = (first, last)
    }

    /// A fresh one, from the system's randomness.
    package static func random() -> RunID {
        RunID(.random(in: .min ... .max), .random(in: .min ... .max))
    }

    package static func == (a: RunID, b: RunID) -> Bool { a.halves == b.halves }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(halves.0)
        hasher.combine(halves.1)
    }

    /// 32 hexadecimal digits, in the order of the bytes.
    package var description: String { hexadecimal(halves.0.byteSwapped) + hexadecimal(halves.1.byteSwapped) }
}

/// A worker's number in a run, given by the coordinator: 1, 2, 3 … 0 is nobody yet.
package struct WorkerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt32

    package init(_ number: UInt32) {
        self.number = number
    }

    /// Who has not been welcomed yet.
    package static let nobody = WorkerID(0)

    package static func < (a: WorkerID, b: WorkerID) -> Bool { a.number < b.number }

    package var description: String { "worker \(number)" }
}

/// Which life of a conversation a message belongs to.
///
/// The incarnation grows with each start of the coordinator and each join, so that what an earlier life queued is
/// known for stale and dropped.
package struct Stamp: Hashable, Sendable {
    package var run: RunID
    package var incarnation: UInt64
    package var worker: WorkerID

    package init(run: RunID, incarnation: UInt64, worker: WorkerID) {
        self.run = run
        self.incarnation = incarnation
        self.worker = worker
    }

    /// The stamp of whoever asks to join.
    package static let stranger = Stamp(run: RunID(0, 0), incarnation: 0, worker: .nobody)
}

/// Sixteen hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
