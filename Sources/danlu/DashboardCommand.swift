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
    var listen = "\(DashboardAddress.standard)"

    func run() throws {
        let address = try DashboardAddress(listen, of: "--listen")
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
        let server = try DashboardOfRun.open(directory, at: address)
        stopped.wait()
        server.stop()
    }
}

extension DashboardAddress {
    /// - Parameter option: as its user wrote it.
    /// - Throws: a sentence for what is no address.
    init(_ text: String, of option: String) throws {
        guard let address = DashboardAddress(text) else {
            throw Failure(
                "\(option) = \(text) is no address: write HOST:PORT, [IPv6]:PORT, or a port in 0...65535 of this box alone"
            )
        }
        self = address
    }
}
