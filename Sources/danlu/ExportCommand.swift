import ArgumentParser
import Export
import Foundation
import Journal
import Safetensors

/// A run's numbers for other tools.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write what a run's journal has as CSV or JSON lines, also while it runs.",
        discussion: Table.all.map { table in
            "\(table.name):\n"
                + table.columns.map { "  \($0.name): \($0.meaning)" }.joined(separator: "\n")
        }.joined(separator: "\n\n"))

    enum Format: String, EnumerableFlag {
        case csv, jsonl

        var format: TableFormat { self == .csv ? .csv : .jsonl }
    }

    @Argument(help: "The run's folder: its output_dir.")
    var folder: String

    @Flag(help: "Comma-separated values, or a JSON object a line.")
    var format: Format?

    @Option(help: "Which table: \(Table.all.map(\.name).joined(separator: ", ")).")
    var table = "steps"

    @Option(name: .shortAndLong, help: "A file to write instead of the standard output.")
    var output: String?

    func validate() throws {
        guard Table.all.contains(where: { $0.name == table }) else {
            throw ValidationError(
                "--table = \(table) is none of \(Table.all.map(\.name).joined(separator: ", "))")
        }
    }

    func run() throws {
        guard let format else {
            throw Failure("nobody has said in which format: add --csv, or --jsonl for a JSON object a line")
        }
        let reader = try JournalReader(run: URL(filePath: folder, directoryHint: .isDirectory))
        guard let table = Table.all.first(where: { $0.name == table }) else { return }
        guard let output else {
            return try format.format.write(table, of: reader) { try Self.print($0) }
        }
        var damage: JournalError?
        try writeAtomically(to: output) { write in
            do {
                try format.format.write(table, of: reader) { piece in try piece.withUnsafeBytes { try write($0) } }
            } catch let error as JournalError {
                damage = error
            }
        }
        if let damage { throw Failure("\(damage); \(output) has the rows before that") }
    }

    /// To the standard output, which may be a full disk, or a reader who has gone.
    private static func print(_ bytes: some Collection<UInt8>) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else {
                throw Failure("the standard output cannot be written: \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
