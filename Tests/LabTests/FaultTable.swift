import Foundation
import Synchronization
import Testing

/// What a fault cost, as measured.
struct FaultCost {
    let fault: String
    /// From the fault to the coordinator's word of it; nil where it needs none.
    var detection: Duration?
    /// From the fault to the next committed step.
    var recovery: Duration?
    /// Committed steps that were done again.
    var stepsLost = 0
    /// Samples that a step went on without.
    var samplesLost = 0

    /// A row of a Markdown table.
    var row: String {
        func seconds(_ duration: Duration?) -> String {
            duration.map { String(format: "%.1f s", $0 / .seconds(1)) } ?? "none needed"
        }
        return "| \(fault) | \(seconds(detection)) | \(seconds(recovery)) | \(stepsLost) | \(samplesLost) |"
    }
}

/// The costs of all faults that were tried, for people and for the README.
enum FaultTable {
    private static let costs = Mutex<[FaultCost]>([])

    static func add(_ cost: FaultCost) { costs.withLock { $0.append(cost) } }

    static let heading = """
        | fault | noticed after | next committed step after | steps lost | samples lost |
        |---|---|---|---|---|
        """

    static var rows: [String] { costs.withLock { $0.map(\.row).sorted() } }

    private static let marks = ("<!-- faults: written by Cluster/lab --write-table -->", "<!-- faults: end -->")

    private static let readme = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../README.md").standardizedFileURL

    /// Puts the table between its marks in the README.
    static func write() throws {
        let (before, _, after) = try split()
        try Data((before + "\n" + heading + "\n" + rows.joined(separator: "\n") + "\n" + after).utf8).write(to: readme)
    }

    /// The faults in the README's table.
    static func writtenFaults() throws -> [String] {
        try split().table.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
            .map { $0.split(separator: "|")[0].trimmingCharacters(in: .whitespaces) }
    }

    /// The faults that have been tried now.
    static var faults: [String] { costs.withLock { $0.map(\.fault).sorted() } }

    private static func split() throws -> (before: String, table: String, after: String) {
        let text = try String(contentsOf: readme, encoding: .utf8)
        let start = try #require(text.range(of: marks.0), "README.md has no line \(marks.0)")
        let end = try #require(text.range(of: marks.1), "README.md has no line \(marks.1)")
        return (
            String(text[..<start.upperBound]), String(text[start.upperBound..<end.lowerBound]),
            String(text[end.lowerBound...])
        )
    }
}

/// Prints the table after the last scenario; with DANLU_LAB_TABLE=write it goes to the README too.
struct PrintsFaultTable: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await function()
        guard !FaultTable.rows.isEmpty else { return }
        print("\n\(FaultTable.heading)\n\(FaultTable.rows.joined(separator: "\n"))\n")
        if ProcessInfo.processInfo.environment["DANLU_LAB_TABLE"] == "write" {
            try FaultTable.write()
            print("lab: README.md has this table now")
        }
    }
}
