import Export
package import Foundation
import Journal
import Recipe

/// All that a report says of a run, gathered from its folder.
///
/// What cannot be read is left out and named, so that there is a report of a damaged run too. Series are decimated by the
/// journal and lists are bounded, so a run of a million steps takes no more memory than one of a thousand.
package struct RunReport {
    /// What could not be read, a sentence each.
    package private(set) var troubles: [String] = []

    let folder: URL
    private(set) var overview: JournalReader.Overview?
    private(set) var curves: [Curve] = []
    private(set) var workers: [JournalReader.Worker] = []
    private(set) var spent: [String: [String: Double]] = [:]
    private(set) var stays: [JournalReader.Stay] = []
    private(set) var events: [JournalReader.Event] = []
    private(set) var kinds: [JournalReader.EventKind] = []
    private(set) var files: [WrittenFile] = []
    private(set) var last: JournalReader.Step?
    /// Of the steps alone, pauses between the coordinator's lives not counted.
    private(set) var seconds = 0.0
    let recipe: String?
    let pictures: [SamplePicture]
    let prompts: [String]

    private static let eventLimit = 200
    private static let workerLimit = 256

    /// - Parameter run: the run's directory.
    /// - Throws: a sentence, when it is no run's.
    package init(of run: URL) throws {
        folder = run.standardizedFileURL
        let recipeFile = run.appending(path: "recipe.toml")
        let size = try? recipeFile.resourceValues(forKeys: [.fileSizeKey]).fileSize
        recipe = (size ?? .max) <= 1 << 20 ? try? String(contentsOf: recipeFile, encoding: .utf8) : nil
        pictures = SamplePicture.all(of: run)
        prompts = SamplePicture.prompts(of: run)
        do {
            try take(JournalReader(run: run))
        } catch {
            guard recipe != nil else { throw error }
            troubles.append("\(error)")
        }
        if recipe == nil { troubles.append("there is no recipe.toml in \(run.path)") }
    }

    private mutating func take(_ reader: JournalReader) {
        for path in reader.damaged {
            troubles.append("an earlier journal was damaged and set aside as \(path): its steps are not in this report")
        }
        overview = attempt("the run's name and plan") { try reader.overview() }
        let step = overview?.lastStep
        last = attempt("the last step") { try step.flatMap { try reader.steps(from: $0, limit: 1).first } } ?? nil
        curves = RunCurves.all.compactMap { make in attempt("a curve") { try make(reader) } }
        let steps = attempt("the steps' times") { try reader.series(.seconds, limit: 1) } ?? []
        seconds = (steps.first?.mean ?? 0) * Double(overview?.steps ?? 0)
        workers = attempt("the workers") { try reader.workers(limit: Self.workerLimit) } ?? []
        spent = attempt("where the workers' time went") { try reader.timeSpent() } ?? [:]
        stays = attempt("when workers were in") { try reader.stays(limit: 2000) } ?? []
        events = attempt("the events") { try reader.events(limit: Self.eventLimit) } ?? []
        kinds = attempt("the kinds of events") { try reader.eventKinds() } ?? []
        let saves = attempt("the saved files") { try reader.saves(limit: 100) } ?? []
        // States make room for later ones.
        files = saves.map { WrittenFile($0, in: folder) }.filter { !$0.isState || $0.size != nil }
    }

    private mutating func attempt<Answer>(_ what: String, _ read: () throws -> Answer) -> Answer? {
        do {
            return try read()
        } catch {
            troubles.append("\(what) could not be read: \(error)")
            return nil
        }
    }

    /// The LoRA that the run was made for: the file with the run's name, or else the last LoRA that was saved.
    var result: WrittenFile? {
        let name = overview.map { $0.name + ".safetensors" }
        return files.last { $0.path.hasSuffix("/" + (name ?? "/")) } ?? files.last { !$0.isState }
    }

    /// How the run stands, in a few words.
    var outcome: String {
        guard let overview, let life = overview.lives.last else { return "nothing is known of it" }
        if let outcome = life.outcome { return outcome }
        return overview.steps < overview.totalSteps ? "running, or ended without a word" : "complete"
    }
}

extension RunReport {
    /// One HTML file, with everything in it.
    package var html: String { ReportPage(report: self).html }

    /// The same in Markdown, for the run's own folder.
    package var markdown: String { ReportMarkdown(report: self).markdown }
}
