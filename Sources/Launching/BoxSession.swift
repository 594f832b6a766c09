import Foundation
import Synchronization

/// One box, from the first question to its worker's end.
final class BoxSession: Sendable {
    /// What goes to every box alike.
    struct Orders: Sendable {
        let archive: BundleArchive
        /// How boxes reach the coordinator; nil is the address that each sees ssh come from.
        let coordinator: String?
        let port: Int
        /// The text of a worker's key file; nil without keys.
        let key: @Sendable (_ name: String) throws -> String?
    }

    let box: Box
    private let orders: Orders
    private let say: @Sendable (String) -> Void
    private let shell: SecureShell
    private struct State {
        var isEnding = false
        var process: ChildProcess?
    }
    private let state = Mutex(State())
    private let ending = DispatchSemaphore(value: 0)

    /// - Parameter say: gets the box's lines, and sentences about it.
    init(_ box: Box, orders: Orders, say: @escaping @Sendable (String) -> Void) {
        (self.box, self.orders, self.say) = (box, orders, say)
        shell = SecureShell(box: box)
    }

    /// Serves until the worker has done its part or nothing more can be hoped for.
    ///
    /// - Returns: whether the worker ended well, or was told to.
    func run() -> Bool {
        var patience = Patience()
        var lastSentence = ""
        while true {
            let start = ContinuousClock.now
            do {
                try work(prepare())
                return true
            } catch {
                if isEnding { return true }
                let failure = error as? BoxFailure ?? BoxFailure("\(error)")
                let pause = patience.pause(lived: ContinuousClock.now - start, hope: failure.hope)
                if failure.description != lastSentence || pause == nil {
                    say(failure.description + (pause == nil ? "" : "; trying again"))
                }
                lastSentence = failure.description
                guard let pause else { return false }
                if ending.wait(timeout: .now() + pause.inSeconds) == .success { return true }
            }
        }
    }

    private var isEnding: Bool { state.withLock { $0.isEnding } }

    /// Tells the worker to end; ``run()`` returns when it has.
    func end() {
        let process = state.withLock {
            $0.isEnding = true
            return $0.process
        }
        ending.signal()
        process?.closeInput()
    }

    /// Cuts the box off.
    func cut() {
        state.withLock { $0.process }?.signal(SIGKILL)
    }

    private func start(_ tool: String, _ words: [String], input: ChildProcess.Input) throws -> ChildProcess {
        let process = try ChildProcess(tool, words, input: input)
        let isEnding = state.withLock {
            $0.process = process
            return $0.isEnding
        }
        if isEnding { process.signal(SIGKILL) }
        return process
    }

    /// Runs a short script there.
    private func ask(_ script: ShellScript) throws -> [String] {
        try lines(of: start("ssh", shell.script, input: .text(script.text)))
    }

    private func lines(of process: ChildProcess) throws -> [String] {
        let (status, lines) = process.gather()
        if status == 0 { return lines }
        if let why = lines.last(where: { $0.hasPrefix("danlu:why=") }) {
            throw BoxFailure(String(why.dropFirst("danlu:why=".count)))
        }
        // ssh has 255 for itself; rsync says as much with its own numbers when ssh fails.
        if status == 255 || lines.contains(where: { $0.contains("connection unexpectedly closed") }) {
            throw BoxFailure(ssh: lines, to: box)
        }
        throw BoxFailure("\(box.place) answered: \(lines.last { !$0.isEmpty } ?? "status \(status)")")
    }

    /// Brings bundle and key.
    ///
    /// - Returns: the words that start the worker.
    private func prepare() throws -> [String] {
        let bundle = Delivery.bundle(orders.archive)
        let facts = BoxFacts(try ask(BoxFacts.question(folder: box.folder, bundle: bundle)))
        if let refusal = facts.refusal(of: orders.archive, on: box) { throw BoxFailure(refusal) }
        // `refusal` has seen to the folder.
        let folder = facts.folder ?? box.folder
        if !facts.hasBundle { try deliver(to: folder, hasRsync: facts.hasRsync) }
        var words = ["\(folder)/\(bundle)/bin/danlu", "work", try coordinator(seenBy: facts), "--name", box.name]
        if let key = try orders.key(box.name) {
            _ = try ask(Delivery.key(key, name: box.name, in: folder))
            words += ["--key", "\(folder)/keys/\(box.name).key"]
        }
        if let devices = box.devices { words += ["--device", devices] }
        return words + box.options
    }

    private func coordinator(seenBy facts: BoxFacts) throws -> String {
        guard let name = orders.coordinator ?? facts.caller, !name.isEmpty else {
            throw BoxFailure("it does not say where ssh came from: set 'coordinator' to this box's address")
        }
        return "tcp://\(name.contains(":") ? "[\(name)]" : name):\(orders.port)"
    }

    private func deliver(to folder: String, hasRsync: Bool) throws {
        let (archive, path) = (orders.archive, "\(folder)/\(Delivery.archive)")
        let start = ContinuousClock.now
        if hasRsync, ChildProcess.has("rsync") {
            _ = try lines(of: self.start("rsync", shell.copying(archive.path, to: path), input: .nothing))
        } else {
            guard let file = FileHandle(forReadingAtPath: archive.path) else {
                throw BoxFailure("\(archive.path) cannot be read any more")
            }
            _ = try lines(of: self.start("ssh", shell.receiving(path), input: .file(file)))
        }
        _ = try ask(Delivery.unpacking(archive, in: folder))
        let seconds = (ContinuousClock.now - start).components.seconds
        say("has the bundle now, in \(folder) (\(seconds) s)")
    }

    private func work(_ words: [String]) throws {
        let process = try start("ssh", shell.script, input: .text(Delivery.work(words).text))
        var status: Int32?
        var reason: String?
        var last: [String] = []
        _ = process.run { line in
            if line.hasPrefix("danlu:status=") {
                status = Int32(line.dropFirst("danlu:status=".count))
                return
            }
            if line.hasPrefix("Error: ") { reason = String(line.dropFirst("Error: ".count)) }
            last = last.suffix(4) + [line]
            say(line)
        }
        guard let status else { throw BoxFailure(ssh: last, to: box) }
        if status == 0 { return }
        let isFinal = reason?.hasPrefix("refused by ") ?? false
        throw BoxFailure(
            isFinal ? "its worker was refused" : "its worker ended with status \(status)",
            hope: isFinal ? .none : .anotherStart)
    }
}
