import ArgumentParser
import Coordination
import Dashboard
import Foundation
import Monitor
import Recipe
import Torch

extension LogFormat: ExpressibleByArgument {}

/// What train and coordinate have in common.
struct RunOptions: ParsableArguments {
    @Argument(help: "A recipe in TOML with kohya's keys; every key is also a flag, which overrules the file.")
    var recipe: String?

    @Flag(help: "Start over in an output folder that has a run in it.")
    var fresh = false

    @Flag(help: "Print the plan and stop.")
    var plan = false

    @Flag(help: "Admit only workers that compute the same bits as the first.")
    var exact = false

    @Option(
        help: """
            plain: lines of text; json: a JSON object in each line. Unless said, a live view on a terminal, and plain lines \
            in a pipe or file.
            """)
    var logFormat: LogFormat?

    @OptionGroup var notices: NoticeOptions

    @Option(help: "Show the run in a browser, at HOST:PORT, or at a port of this box; a link is printed.")
    var dashboard: String?

    @Argument(parsing: .postTerminator, help: .hidden)
    var settings: [String] = []

    /// - Throws: a sentence for what is no address.
    var dashboardAddress: DashboardAddress? {
        get throws { try dashboard.map { try DashboardAddress($0, of: "--dashboard") } }
    }
}

/// A whole cluster on one box: a coordinator and some workers.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train on this box, with as many workers as you like.",
        discussion: SettingTable.help())

    @OptionGroup var options: RunOptions

    @Option(help: "Worker processes on this box.")
    var workers = 1

    func validate() throws {
        guard (1...256).contains(workers) else {
            throw ValidationError("--workers = \(workers) must lie in 1...256")
        }
    }

    func run() throws {
        let prepared = try PreparedRun(file: options.recipe, settings: options.settings, workers: workers)
        // The workers are on this box: what they cannot compute on is known now.
        _ = try Device(parsing: prepared.recipe.cluster.device)
        var session = CoordinatorSession(prepared, options: options, workers: workers)
        session.localWorkers = workers
        try session.run()
    }
}

/// A coordinator alone, whose workers are started apart.
struct CoordinateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinate", abstract: "Coordinate workers that are started apart with 'danlu work'.",
        discussion: SettingTable.help())

    @OptionGroup var options: RunOptions

    @Option(help: "Where workers find this coordinator; bulk is at the next port.")
    var listen = "tcp://127.0.0.1:5570"

    @Option(help: "Workers to wait for before the first step.")
    var minWorkers = 1

    @Option(help: "The folder of keys that 'danlu keygen' made; used beyond this box, and on it when said.")
    var keys: String?

    @Flag(help: "Listen beyond this box although nothing is encrypted or authenticated.")
    var insecure = false

    func validate() throws {
        if insecure && keys != nil { throw ValidationError("--insecure uses no keys: leave it out, or --keys") }
    }

    func run() throws {
        let prepared = try PreparedRun(file: options.recipe, settings: options.settings, workers: 1)
        var session = CoordinatorSession(prepared, options: options, workers: minWorkers)
        let address = try Address(listen)
        session.listen = address
        session.insecure = insecure
        session.keys = try keysFolder(for: address)
        try session.run()
    }
    /// Beyond this box there must be keys, unless nobody wants them; on it there may be.
    private func keysFolder(for address: Address) throws -> KeysFolder? {
        let folder = keys.map { KeysFolder($0) } ?? .standard
        guard !insecure, keys != nil || !address.isLoopback else { return nil }
        guard folder.hasCoordinatorKey else {
            if let keys {
                throw Failure("there is no coordinator's key in \(keys): make one with 'danlu keygen --keys \(keys)'")
            }
            throw Failure(
                "\(address) can be reached from other machines, and there is no key to protect it in \(folder.path): "
                    + "make keys with 'danlu keygen', or say --insecure to do without")
        }
        return folder
    }
}
