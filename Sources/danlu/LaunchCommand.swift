import ArgumentParser
import Coordination
import Foundation
import Launching
import Monitor
import Recipe

/// A coordinator here and a worker on every box of a list, over ssh.
struct LaunchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch",
        abstract: "Coordinate here, and start a worker on each box of a list over ssh.",
        discussion: """
            Each box gets the bundle that Cluster/bundle made, unless it has it, and its key, and runs a worker; what it says \
            stands here behind its name. A box that is away, refuses or cannot run the bundle is named with a reason, and the \
            others go on. Ctrl-C finishes the step, saves, and ends all of them; so does the end of this command.

            """ + HostsFile.help)

    @Argument(help: "The boxes, in TOML.")
    var hosts: String

    @OptionGroup var options: RunOptions

    @Option(help: "The archive for the boxes; the newest in .build/bundle unless said.")
    var bundle: String?

    @Option(help: "Where workers find this coordinator; bulk is at the next port.")
    var listen = "tcp://0.0.0.0:5570"

    @Option(help: "Workers to wait for before the first step.")
    var minWorkers = 1

    @Option(help: "The folder of keys; a box whose key is missing there gets one. ~/.config/danlu/keys unless said.")
    var keys: String?

    @Flag(help: "Do without keys: nothing is encrypted or authenticated.")
    var insecure = false

    private var keysFolder: String { keys ?? KeysFolder.standard.path }

    func validate() throws {
        if insecure && keys != nil { throw ValidationError("--insecure uses no keys: leave it out, or --keys") }
        if options.plan { throw ValidationError("--plan launches nothing: say it to 'danlu train'") }
    }

    func run() throws {
        // The coordinator checks them again; a word that is wrong starts nothing on any box.
        _ = try options.notices.couriers
        _ = try options.dashboardAddress
        let file = try HostsFile(path: hosts)
        let address = try Address(listen)
        guard address.port > 0 else { throw Failure("\(listen) leaves the port open: workers need to know it") }
        let archive = try BundleArchive(path: bundle ?? Self.newestBundle())
        let names = file.hosts.map(\.name) + [Launch.coordinatorName]
        let width = names.map(\.count).max() ?? 0
        let keys = insecure ? nil : LaunchKeys(folder: keysFolder, program: Program.path.path)
        // The first key made is also the coordinator's, which it asks for as it starts.
        for box in file.hosts { try keys?.make(for: box.name) }
        let launch = Launch(
            file, archive: archive, coordinator: coordinator, port: Int(address.port), key: { try keys?.text(for: $0) }
        ) { name, line in
            Console.output.line(name.padding(toLength: width, withPad: " ", startingAt: 0) + " | " + line)
        }
        signal(SIGPIPE, SIG_IGN)
        Interruption.handle { launch.stop() }
        guard let status = try launch.run() else {
            throw Failure("no box has a worker: see what is said of each above")
        }
        if status != 0 { throw ExitCode(status) }
    }

    /// The words that start the coordinator.
    private var coordinator: [String] {
        var words = [Program.path.path, "coordinate", "--listen", listen, "--min-workers", "\(minWorkers)"]
        words += insecure ? ["--insecure"] : ["--keys", keysFolder]
        if options.fresh { words.append("--fresh") }
        if options.exact { words.append("--exact") }
        words += options.logFormat.map { ["--log-format", $0.rawValue] } ?? []
        words += options.dashboard.map { ["--dashboard", $0] } ?? []
        words += options.notices.arguments
        if let recipe = options.recipe { words.append(recipe) }
        return words + options.settings
    }

    private static func newestBundle() throws -> String {
        let folder = URL(filePath: ".build/bundle")
        let files =
            (try? FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: [.contentModificationDateKey])) ?? []
        let dated = files.filter { $0.lastPathComponent.hasSuffix(".tar.gz") }.map { file in
            (
                file: file,
                date: (try? file.resourceValues(forKeys: [.contentModificationDateKey]))?.contentModificationDate
            )
        }
        guard let newest = dated.max(by: { ($0.date ?? .distantPast) < ($1.date ?? .distantPast) }) else {
            throw Failure(
                "there is no bundle in .build/bundle: make one with Cluster/bundle, or name one with --bundle")
        }
        return newest.file.path
    }
}
