import Foundation
import Synchronization
import Testing

/// What a fault cost, as measured.
struct FaultCost {
    /// From the fault to the coordinator's word of it; nil where it needs none.
    var detection: Duration?
    /// From the fault to the next committed step.
    var recovery: Duration
    /// Committed steps that were done again.
    var stepsLost: Int
    /// Samples that a step went on without.
    var samplesLost: Int

    /// The columns of a Markdown table behind the first.
    var columns: String {
        func seconds(_ duration: Duration) -> String { String(format: "%.1f s", duration / .seconds(1)) }
        return "\(detection.map(seconds) ?? "–") | \(seconds(recovery)) | \(stepsLost) | \(samplesLost) |"
    }
}

/// The costs of all faults that were tried, for people and for the README.
enum FaultTable {
    private static let measured = Mutex<[Fault: FaultCost]>([:])

    static func add(_ cost: FaultCost, of fault: Fault) { measured.withLock { $0[fault] = cost } }

    private static let heading = """
        | fault | noticed after | next committed step after | steps lost | samples lost |
        |---|---|---|---|---|
        """

    /// The table of what has been measured now, and of what `others` has beyond that.
    static func text(with others: [String: String] = [:]) -> String? {
        let rows = measured.withLock { measured in
            Fault.allCases.compactMap { fault in
                (measured[fault]?.columns ?? others[fault.rawValue]).map { "| \(fault.rawValue) | \($0)" }
            }
        }
        return rows.isEmpty ? nil : "\(heading)\n\(rows.joined(separator: "\n"))"
    }

    /// A line before the table in the README, and one behind it.
    private static let marks = ("<!-- faults: written by Cluster/lab all --write-table -->", "<!-- end of faults -->")

    private static let readme = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../README.md").standardizedFileURL

    /// Puts the table between its marks in the README; faults that were not tried now keep their rows.
    static func write() throws {
        let parts = try split()
        let rows = Dictionary(parts.rows) { first, _ in first }
        guard let text = text(with: rows) else { return }
        try Data("\(parts.before)\n\(text)\n\(parts.after)".utf8).write(to: readme)
    }

    /// The README around the table, and its rows: the fault, and the columns behind it.
    static func split() throws -> (before: String, rows: [(String, String)], after: String) {
        let text = try String(contentsOf: readme, encoding: .utf8)
        let start = try #require(text.range(of: marks.0), "README.md has no line \(marks.0)")
        let end = try #require(text.range(of: marks.1), "README.md has no line \(marks.1)")
        let rows = text[start.upperBound..<end.lowerBound].split(separator: "\n").filter { $0.hasPrefix("| ") }
            .dropFirst().map { row in
                let columns = row.dropFirst(2).split(separator: " | ", maxSplits: 1).map(String.init)
                return (columns[0], columns.count > 1 ? columns[1] : "")
            }
        return (String(text[..<start.upperBound]), Array(rows), String(text[end.lowerBound...]))
    }
}

/// Prints the table after the last scenario; with DANLU_LAB_TABLE=write it goes to the README too.
struct PrintsFaultTable: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await function()
        guard let text = FaultTable.text() else { return }
        print("\n\(text)\n")
        if ProcessInfo.processInfo.environment["DANLU_LAB_TABLE"] == "write" {
            try FaultTable.write()
            print("lab: README.md has this table now")
        }
    }
}
