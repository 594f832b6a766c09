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
    private(set) var sighting: Sighting
    /// `coordinator`, and a box for each worker.
    private(set) var boxes: [String: Box] = [:]
    private(set) var coordinator: Launched?
    private(set) var workers: [String: Launched] = [:]
    private let recipe: LabRecipe
    /// Of every process.
    var environment: [String: String] = [:]
    /// The folder of keys; nil does without.
    var keys: URL? = SharedKeys.folder

    static let port = 5570

    init(_ title: String, boxes names: [String], rate: Rate = .gigabit, recipe: LabRecipe = LabRecipe()) throws {
        self.title = title
        self.recipe = recipe
        lab = try Lab()
        for name in ["coordinator"] + names { boxes[name] = try lab.box(name, rate: rate) }
        try recipe.write(to: lab.folder)
        sighting = try Sighting(states: lab.folder.appending(path: "out/state"))
        environment["XDG_CACHE_HOME"] = SharedCache.folder.path
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

    /// Starts a coordinator of this run in a box, whoever may be there already.
    func launchCoordinator(in box: String = "coordinator", _ more: [String] = []) throws -> Launched {
        let address = "tcp://\(try self.box(box).address):\(Self.port)"
        let protection = keys.map { ["--keys", $0.path] } ?? ["--insecure"]
        return try self.box(box).danlu(
            ["coordinate", "recipe.toml", "--listen", address] + protection + more, in: lab.folder,
            environment: environment)
    }

    /// Starts the coordinator, for the first time or again.
    func startCoordinator(_ more: String...) throws { try startCoordinator(more) }

    private func startCoordinator(_ more: [String]) throws {
        let started = try launchCoordinator(in: "coordinator", more)
        try sighting.follow(started.outputFile)
        coordinator = started
    }

    /// Starts a worker in a box.
    ///
    /// - Parameters:
    ///   - name: what it calls itself.
    ///   - key: its key file; that of the box unless said.
    ///   - address: where it looks for the coordinator; where that is, unless said.
    func launchWorker(
        _ name: String, in box: String, key: URL? = nil, at address: String? = nil
    ) throws -> Launched {
        let key = key ?? keys?.appending(path: "\(box).key")
        return try self.box(box).danlu(
            ["work", address ?? self.address, "--name", name, "--device", "cpu"]
                + (key.map { ["--key", $0.path] } ?? []),
            in: lab.folder, environment: environment)
    }

    /// Starts a box's worker, which has its name unless said.
    func startWorker(_ box: String, named name: String? = nil, at address: String? = nil) throws {
        workers[box] = try launchWorker(name ?? box, in: box, at: address)
    }

    /// Waits for a worker's end, and forgets it.
    func endOfWorker(_ name: String, within seconds: Double = 30) async throws -> Launched.Ended {
        defer { workers[name] = nil }
        return try await end(of: process(name), within: seconds)
    }

    /// Starts the coordinator, which waits for all workers, and those.
    func start(_ more: String...) throws {
        let names = boxes.keys.filter { $0 != "coordinator" }.sorted()
        try startCoordinator(["--min-workers", "\(names.count)"] + more)
        for name in names { try startWorker(name) }
    }

    /// Gives a command of the operator's, and waits until it is done.
    func ask(_ command: String) async throws {
        let words = command.split(separator: " ").map(String.init)
        let key = keys.map { ["--key", $0.appending(path: "operator.key").path] } ?? []
        let asked = try box("coordinator").danlu(words + ["out"] + key, in: lab.folder)
        let ended = try await end(of: asked, within: 60)
        #expect(ended.status == 0, "danlu \(command): \(ended.errors)")
    }

    /// Gives the run's folder a disk of its own; before anything is started.
    func mountDisk(megabytes: Int) throws {
        let folder = lab.folder.appending(path: "out").path
        sighting.end()
        try runShell("mount -t tmpfs -o size=\(megabytes)m tmpfs '\(folder)'")
        sighting = try Sighting(states: lab.folder.appending(path: "out/state"))
    }

    /// What fills the run's disk.
    var filler: URL { lab.folder.appending(path: "out/filler") }

    func fillDisk() throws { try runShell("cat /dev/zero 2>/dev/null >'\(filler.path)' || true") }

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

    /// Waits for the end of the run, holds its LoRA against that of a run which nothing disturbed, and has the journal
    /// audited: each sample was committed once.
    ///
    /// - Returns: how the coordinator ended.
    @discardableResult
    func finish(within seconds: Double = 120) async throws -> Launched.Ended {
        let ended = try await end(of: try #require(coordinator), within: seconds)
        #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended.errors)")
        let fingerprint = try tensorFingerprint(of: lab.folder.appending(path: "out/\(LabRecipe.output)"))
        let expected = try await Undisturbed.shared.fingerprint(recipe)
        #expect(fingerprint == expected)
        let audit = try Launched(["audit", "out"], in: lab.folder)
        let audited = try await self.end(of: audit)
        #expect(audited.status == 0, "\(audited.output)\(audited.errors)")
        say(fingerprint == expected ? "the same bits as undisturbed: \(fingerprint.prefix(12))" : "OTHER BITS")
        return ended
    }
}
