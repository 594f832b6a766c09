import ArgumentParser
import Foundation
import Report
import Safetensors

/// What happened in a run, for people.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a run's report.html and report.md; every run does so at its end, this does it at any time.")

    @Argument(help: "The run's folder: its output_dir.")
    var folder: String

    @Option(
        name: .shortAndLong, help: "Where the HTML file goes, instead of report.html in the run's folder; no Markdown.")
    var output: String?

    func run() throws {
        let folder = URL(filePath: self.folder, directoryHint: .isDirectory)
        let report = try RunReport(of: folder)
        for trouble in report.troubles { Console.error.line("note: \(trouble)") }
        if let output {
            try report.html.write(whole: output)
            Console.output.line(output)
        } else {
            Console.output.line(try report.write(to: folder))
        }
    }
}

extension RunReport {
    /// Writes both files, each whole or not at all.
    ///
    /// - Returns: the page's path.
    @discardableResult
    func write(to folder: URL) throws -> String {
        let page = folder.appending(path: "report.html").path
        try html.write(whole: page)
        try markdown.write(whole: folder.appending(path: "report.md").path)
        return page
    }
}

extension String {
    fileprivate func write(whole path: String) throws {
        try writeAtomically(to: path) { write in try Array(utf8).withUnsafeBytes { try write($0) } }
    }
}
