import ArgumentParser
import Coordination
import Foundation
import Recipe

/// The command line: where learning and clustering meet.
@main
struct Danlu: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "danlu",
        abstract: "Trains LoRA adapters for Stable Diffusion on as many Linux boxes as you own.",
        version: version,
        subcommands: [
            TrainCommand.self, CoordinateCommand.self, WorkCommand.self, LaunchCommand.self, KeygenCommand.self,
            DoctorCommand.self, SampleCommand.self, CompareCommand.self, EvaluateCommand.self, InspectCommand.self,
            PauseCommand.self,
            ResumeCommand.self, SaveCommand.self, DrainCommand.self, AdmitCommand.self, StopCommand.self,
            StatusCommand.self, DashboardCommand.self, AuditCommand.self, ExportCommand.self, ReportCommand.self,
            BenchCommand.self,
        ])

    /// Every key of a recipe is a flag; they are parted from the command's own here, and go behind a `--`.
    static func main() {
        OpenFiles.raise()
        let words = Array(CommandLine.arguments.dropFirst())
        guard let command = words.first, ["train", "coordinate", "launch"].contains(command) else {
            return perform(words)
        }
        let (settings, rest) = CommandLineSettings.split(words)
        perform(rest + ["--"] + settings)
    }

    /// As `main(_:)`, but what names and files bring into a sentence cannot reach into the terminal.
    private static func perform(_ words: [String]) {
        do {
            var command = try parseAsRoot(words)
            try command.run()
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty { (code.isSuccess ? Console.output : Console.error).line(text) }
            Foundation.exit(code.rawValue)
        }
    }
}

/// A sentence for the user, and the end of the program.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
