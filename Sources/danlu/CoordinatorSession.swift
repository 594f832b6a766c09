import Adapters
import ContentStore
import Coordination
import Dashboard
import Export
import Foundation
import Journal
import Logging
import Monitor
import Notices
import Dataset
import Recipe
import Report
import Torch
import Training
import Wire
import ZeroMQ

/// One life of a coordinator: from the printed plan to the last file.
struct CoordinatorSession {
    let prepared: PreparedRun
    let options: RunOptions
    /// How many workers are expected.
    let workers: Int
    var listen: Address?
    var insecure = false
    var keys: KeysFolder?
    var localWorkers = 0

    init(_ prepared: PreparedRun, options: RunOptions, workers: Int) {
        self.prepared = prepared
        self.options = options
        self.workers = workers
    }

    func run() throws {
        guard prepared.recipe.batch.policy == .fixed || !options.exact else {
            throw Failure(
                "--exact cannot be had with batch_policy = \"per_worker\", whose result depends on who is in when: leave "
                    + "one out")
        }
        guard prepared.recipe.cluster.gradientFormat == .fp32 || !options.exact else {
            throw Failure(
                "--exact cannot be had with gradient_format = \"\(prepared.recipe.cluster.gradientFormat.rawValue)\", which "
                    + "rounds gradients and is never exact: leave one out")
        }
        guard prepared.recipe.cluster.updateFormat == .fp32 || !options.exact else {
            throw Failure(
                "--exact cannot be had with update_format = \"\(prepared.recipe.cluster.updateFormat.rawValue)\", which "
                    + "rounds changes of the weights and is never exact: leave one out")
        }
        let couriers = try options.notices.couriers
        let address = try options.dashboardAddress
        let output = RunOutput(options.logFormat)
        for note in prepared.notes { output.say("note: \(note)", event: "note") }
        let printout = try prepared.printout(workers: workers)
        output.say(printout, event: "plan")
        let prompts = try SamplePrompts(prepared)
        if options.plan { return }

        // The optimizer's own kernels: one thread, so that their bits do not depend on this box's cores.
        LibTorch.threads = 1
        LibTorch.setDeterministic(true)
        let recipe = prepared.recipe
        let facts = MetadataFacts(prepared)
        let files = try RunFiles(recipe: recipe, fresh: options.fresh) {
            try facts.entries(table: $0, step: $1, epoch: $2)
        }
        if let listen { try CoordinatorService.check(listen) }
        let training = try TrainingMaster(
            recipe: recipe, plan: prepared.plan, table: prepared.table,
            initial: { try prepared.table.firstWeights(recipe) },
            files: files)
        for note in files.notes { output.say("note: \(note)", event: "note") }
        let final = files.directory.appending(path: files.finalName + ".safetensors").path
        training.workers = max(1, workers)
        guard !training.isComplete else {
            if !FileManager.default.fileExists(atPath: final) { try training.saveFinalAdapter() }
            output.say("This run is finished: \(final). Say --fresh to do it again.", event: "complete")
            return
        }
        if training.step > 0 {
            output.say("Going on after step \(training.step) of \(training.totalSteps).", event: "resumed")
        }
        if !options.fresh, let last = try? JournalReader(run: files.directory).pulse().lastStep, last >= training.step {
            output.say(
                "note: the run was cut off after step \(last + 1), and its last state is of step \(training.step): the "
                    + "steps since then are done again", event: "resumed")
        }
        try files.write(recipe.toml, to: "recipe.toml")
        let notices = RunNotices(
            couriers, run: recipe.run.outputName, folder: files.directory.path, step: training.step,
            totalSteps: training.totalSteps
        ) { output.say($0, event: "notice", level: .warning) }
        var verdict: (event: Notice.Event, sentence: String)?
        // Last of all, since it may take a while.
        defer { notices.close(with: verdict, step: training.step) }
        let dashboard = try address.map { address in
            try DashboardOfRun.open(files.directory, at: address) { output.say($0, event: "dashboard") }
        }
        defer { dashboard?.stop() }

        let pictures = try RunPictures(prompts, recipe: recipe, plan: prepared.plan, files: files)
        let resumed = training.step
        let measured = try? JournalReader(run: files.directory).validations(steps: resumed - 1...resumed - 1)
        let progress = ProgressReporter(output, plan: prepared.plan, batch: recipe.batch, memo: training.memo)
        let identity = try files.nextIdentity()
        let runID = RunID(identity.first, identity.second)
        let life = JournalWriter.Life(
            run: "\(runID)", recipe: recipe.hash, totalSteps: training.totalSteps, version: Danlu.version,
            incarnation: identity.incarnation, firstStep: training.step, name: recipe.run.outputName, plan: printout)
        let writer = try JournalWriter(run: files.directory, life: life, fresh: options.fresh) {
            progress.note($0, event: "journal")
        }
        let board = recipe.run.tensorBoardFolder(of: runID).map { folder in
            TensorBoardLog(run: files.directory, folder: folder) { progress.note($0, event: "tensorboard") }
        }
        let journal = RunJournal(writer, plan: prepared.plan, recipe: recipe, board: board)
        var outcome = "failed"
        defer {
            journal.close(outcome: outcome) { output.say($0, event: "journal") }
            do {
                let path = try RunReport(of: files.directory).write(to: files.directory)
                output.say("The report is \(path).", event: "report")
            } catch {
                output.say("note: there is no report: \(error)", event: "report")
            }
        }
        training.didSave = { path, step in
            writer.write(.saved(step: step, path: path))
            if !files.states.contains(path) { progress.note("saved \(path)", event: "saved") }
        }
        training.remark = { progress.note($0, event: "note") }
        let validation = RunValidation(
            recipe, plan: prepared.plan, heldOut: prepared.manifest.heldOut.count,
            isKnown: { $0 == resumed && measured?.isEmpty == false },
            record: {
                journal.validated($0)
                progress.validated($0.loss)
            })
        let master = ClusterMaster(training, journal: writer, pictures: pictures, validation: validation) {
            result, contribution, weights in
            let memo = progress.memo(of: result)
            journal.took(result, contribution, averageLoss: progress.averageLoss, weights: weights)
            return memo
        } report: { result in
            progress.report(result)
        }
        var contents = ContentShelf()
        let ticket = try prepared.ticket(
            runFolder: files.directory, isShared: localWorkers > 0, on: &contents,
            hashes: KnownHashes(file: CacheOptions.standard + "/hashes.json"),
            say: { output.say($0, event: "hashing") })
        var configuration = CoordinatorService.Configuration(
            address: try listen ?? Address("tcp://127.0.0.1:0"), runID: runID,
            incarnation: identity.incarnation, run: try ticket.encoded, software: Danlu.version,
            libtorch: LibTorch.version)
        configuration.contents = contents
        configuration.insecure = insecure
        configuration.identity = try keys.map { try CoordinatorIdentity($0) }
        configuration.exactnessClass = options.exact || recipe.cluster.exact ? "" : nil
        configuration.threadsPerWorker = recipe.cluster.threadsPerWorker ?? 1
        configuration.minimumWorkers = workers
        configuration.topology = recipe.cluster.topology
        configuration.packing = recipe.cluster.packing
        configuration.gradientFormat = recipe.cluster.gradientFormat
        configuration.updateFormat = recipe.cluster.updateFormat
        let plan = prepared.plan
        configuration.epoch = { (plan.epoch(of: min($0, plan.totalSteps - 1)) + 1, plan.epochs) }
        configuration.progress = { progress.progress }
        configuration.watchInterval = output.isLive ? .milliseconds(250) : nil
        let service = try CoordinatorService(configuration, master: master) {
            progress.happened($0)
            journal.happened($0)
            notices.happened($0)
        }

        let running = RunningCoordinator(service.address, incarnation: identity.incarnation, keys: keys)
        try files.write(running.text, to: RunningCoordinator.file)
        defer { files.remove(RunningCoordinator.file) }
        let commands = service.commands
        Interruption.handle {
            progress.note("stopping after this step (again: at once)", event: "stopping")
            commands.put(.stop(reason: "interrupted"))
        }
        if let warning = OpenFiles.warning(forWorkers: max(32, workers)) {
            progress.note(warning, event: "openFiles")
        }
        if localWorkers == 0 {
            output.say(JoinInstructions(service.address, keys: keys).lines.joined(separator: "\n"), event: "listening")
        }
        let crew = LocalWorkers(
            count: localWorkers, address: "\(service.address)", device: recipe.cluster.device, logs: files.directory)
        try crew.start { sentence in
            progress.note(sentence, event: "gaveUp")
            commands.put(.stop(reason: sentence))
        }
        defer { crew.end() }
        do {
            let finish = try service.run()
            progress.finish()
            outcome = finish.word
            if let failure = finish.failure ?? (finish == .complete ? nil : crew.failure) { throw Failure(failure) }
            if case .stopped(let reason) = finish {
                output.say(
                    "Stopped after step \(training.step) of \(training.totalSteps) (\(reason)); the same command goes on "
                        + "from there.", event: "stopped")
            } else {
                output.say("Done: \(final)", event: "complete")
                verdict = (.done, "done after \(training.step) steps: \(final)")
            }
        } catch {
            output.finish()
            if output.isJSON { output.say("\(error)", event: "failed", level: .error) }
            verdict = (.failed, "failed after step \(training.step) of \(training.totalSteps): \(error)")
            throw error
        }
    }
}

extension Run {
    /// Where a run's TensorBoard files go; nil where none are wanted.
    fileprivate func tensorBoardFolder(of id: RunID) -> URL? {
        guard writesTensorBoard else { return nil }
        // Several runs may share a logging_dir, each with a folder that no other has.
        let own = URL(filePath: outputDirectory).appending(path: "tensorboard")
        return loggingDirectory.map { URL(filePath: $0).appending(path: "\(outputName)-\("\(id)".prefix(8))") } ?? own
    }
}

extension Finish {
    /// What its user is told where it is no good end.
    fileprivate var failure: String? {
        switch self {
        case .complete, .stopped: nil
        case .unsaved(let reason): "the run has ended, but its last state could not be saved: \(reason)"
        case .gaveUp(let advice): advice
        }
    }

    /// How a life of the coordinator ended, for the journal.
    fileprivate var word: String {
        switch self {
        case .complete: "complete"
        case .stopped(let reason): "stopped: \(reason)"
        case .unsaved(let reason): "unsaved: \(reason)"
        case .gaveUp(let advice): "gave up: \(advice)"
        }
    }
}
