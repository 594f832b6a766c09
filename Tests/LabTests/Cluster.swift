import Foundation
import ProgramSupport
import Testing

/// One scenario's coordinator and workers, as processes in boxes of a ``Lab``.
///
/// Used from one task.
final class Cluster {
    /// What the scenario is called in what is printed.
    let title: String
    let lab: Lab
    let sighting: Sighting
    /// `coordinator`, and a box for each worker.
    private(set) var boxes: [String: Box] = [:]
    private(set) var coordinator: Launched?
    private(set) var workers: [String: Launched] = [:]
    private let recipe: LabRecipe

    static let port = 5570

    init(_ title: String, boxes names: [String], rate: Rate = .gigabit, recipe: LabRecipe = LabRecipe()) throws {
        self.title = title
        self.recipe = recipe
        lab = try Lab()
        for name in ["coordinator"] + names { boxes[name] = try lab.box(name, rate: rate) }
        try recipe.write(to: lab.folder)
        sighting = try Sighting(states: lab.folder.appending(path: "out/state"))
        say("\(names.count) boxes and a coordinator at \(rate)")
    }

    /// Ends what still runs, and takes the boxes down.
    func close() {
        sighting.end()
        workers = [:]
        coordinator = nil
        lab.close()
    }

    /// Prints a line of the scenario.
    func say(_ text: String) { print("lab: [\(title)] \(text)") }

    func box(_ name: String) throws -> Box { try #require(boxes[name], "there is no box \(name)") }

    var address: String { "tcp://\(boxes["coordinator"]?.address ?? ""):\(Self.port)" }

    /// Starts the coordinator, for the first time or again.
    @discardableResult
    func startCoordinator(_ more: String...) throws -> Launched {
        let started = try box("coordinator").danlu(
            ["coordinate", "recipe.toml", "--listen", address, "--insecure"] + more, in: lab.folder)
        try sighting.follow(started.outputFile)
        coordinator = started
        return started
    }

    /// Starts a worker in the box of that name.
    @discardableResult
    func startWorker(_ name: String) throws -> Launched {
        let started = try box(name).danlu(
            ["work", address, "--name", name, "--device", "cpu"], in: lab.folder)
        workers[name] = started
        return started
    }

    /// Starts the coordinator, which waits for all workers, and those.
    func start() throws {
        let names = boxes.keys.filter { $0 != "coordinator" }.sorted()
        try startCoordinator("--min-workers", "\(names.count)")
        for name in names { try startWorker(name) }
    }

    /// The process of a worker, or the coordinator's.
    func process(_ name: String) throws -> Launched {
        try #require(name == "coordinator" ? coordinator : workers[name], "nothing runs in \(name)")
    }

    /// Waits until `condition` gives something.
    ///
    /// - Throws: a complaint when it does not in that time, with what the coordinator said.
    func wait<Value>(
        for what: String, within seconds: Double = 120, until condition: () throws -> Value?
    ) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let value = try condition() { return value }
            guard ContinuousClock.now < deadline else {
                throw Launched.Complaint(
                    description: "[\(title)] no \(what) within \(seconds) s; the coordinator said: "
                        + "\(coordinator?.output ?? "")\(coordinator?.errors ?? "")")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits for a process to end by itself.
    func end(of launched: Launched, within seconds: Double = 120) async throws -> Launched.Ended {
        try await wait(for: "end", within: seconds) { launched.isRunning ? nil : () }
        return try launched.end()
    }

    /// Waits for the end of the run, and holds its LoRA against that of a run which nothing disturbed.
    ///
    /// - Returns: how the coordinator ended.
    @discardableResult
    func finish(within seconds: Double = 120) async throws -> Launched.Ended {
        let ended = try await end(of: try #require(coordinator), within: seconds)
        #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended.errors)")
        let fingerprint = try tensorFingerprint(of: lab.folder.appending(path: "out/\(LabRecipe.output)"))
        let expected = try await Undisturbed.shared.fingerprint(recipe)
        #expect(fingerprint == expected)
        say(fingerprint == expected ? "the same bits as undisturbed: \(fingerprint.prefix(12))" : "OTHER BITS")
        return ended
    }
}
