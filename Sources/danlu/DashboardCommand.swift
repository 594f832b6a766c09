import ArgumentParser
import Dashboard
import Foundation
import Journal

/// A run in a browser, while it goes on or when it is long over.
struct DashboardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dashboard", abstract: "Show a run in a browser, whether it goes on, is finished, or crashed.")

    @Argument(help: ArgumentHelp("The run's folder (its output_dir).", valueName: "run"))
    var folder = "."

    @Option(help: "HOST:PORT, or a port of this box; 0 takes a free one.")
    var listen = DashboardAddress.standard

    func run() throws {
        let directory = URL(filePath: folder, directoryHint: .isDirectory).standardizedFileURL
        do {
            _ = try JournalReader(run: directory)
        } catch .missing(let path) {
            throw Failure("\(JournalError.missing(path))")
        } catch {
            // The page shows what can be read, and says what cannot.
            Console.error.line("note: \(error)")
        }
        let stopped = DispatchSemaphore(value: 0)
        Interruption.handle { stopped.signal() }
        let server = try DashboardOfRun.open(directory, at: listen)
        stopped.wait()
        server.stop()
    }
}

extension DashboardAddress: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(argument)
    }
}
