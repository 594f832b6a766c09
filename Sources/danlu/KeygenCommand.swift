import ArgumentParser
import Coordination

/// Makes the keys with which boxes know each other.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make the keys with which coordinator and workers know each other.",
        discussion: """
            The first call makes the coordinator's key, a worker's and an operator's; each later one a key for another \
            worker. A key file is for its owner alone (mode 0600), and none is ever overwritten. To take a key back, \
            remove its line from authorized_keys: a running coordinator lets its worker go at once.
            """)

    @Option(help: "The folder of keys; ~/.config/danlu/keys unless said.")
    var keys: String?

    @Option(help: "The name of a worker to make a key for.")
    var worker: String?

    @Flag(help: "Let it also pause, stop and change the run.")
    var `operator` = false

    func validate() throws {
        if `operator` && worker == nil { throw ValidationError("--operator needs a name: say --worker NAME too") }
    }

    func run() throws {
        let folder = keys.map { KeysFolder($0) } ?? .standard
        for path in try folder.generate(name: worker, isOperator: `operator`) {
            Console.output.line("\(path): \(purpose(of: path, in: folder))")
        }
        Console.output.line("\(folder.allowList): who may connect, a line for each key")
    }

    private func purpose(of path: String, in folder: KeysFolder) -> String {
        switch path {
        case folder.coordinatorKey: "stays here; 'danlu coordinate' finds it"
        case folder.key("operator"): "for whoever steers the run; stays here, or goes to the box it is steered from"
        default:
            "copy it to the worker's box, for example with 'scp \(path) BOX:', and say --key "
                + "\(path.split(separator: "/").last ?? "") to 'danlu work' there"
        }
    }
}
