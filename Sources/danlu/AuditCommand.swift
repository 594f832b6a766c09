import ArgumentParser
import Dataset
import Foundation
import Journal
import Recipe

/// The proof, from a run's journal, that nothing was lost and nothing counted twice.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check a run's journal: every sample committed exactly once, or left out by name.")

    @Argument(help: "The run's folder: its output_dir.")
    var folder: String

    func run() throws {
        let folder = URL(filePath: self.folder, directoryHint: .isDirectory)
        let reader = try JournalReader(run: folder)
        let recipe = try RecipeReader.read(file: folder.appending(path: "recipe.toml").path).recipe
        let manifest = try Manifest.make(from: recipe)
        let plan = try TrainingPlan(recipe: recipe, buckets: manifest.plannedBuckets(recipe))
        let audit = try reader.audit { epoch in
            plan.order(of: epoch).slots.map { $0.samples.map { manifest.pictures[$0.picture].name } }
        }
        if audit.begins > 0 {
            Console.output.line(
                "not known: what became of steps 0 to \(audit.begins - 1), before this journal began"
                    + reader.damaged.map { "; see \($0)" }.joined())
        }
        guard let steps = audit.steps else {
            Console.output.line("\(reader.path): no step is done yet")
            return
        }
        Console.output.line(
            "steps \(steps.lowerBound) to \(steps.upperBound): \(audit.slots) slots, \(audit.committed) samples committed "
                + "once, \(audit.leftOut.reduce(0) { $0 + $1.samples.count }) left out")
        for slot in audit.leftOut {
            Console.output.line(
                "left out in step \(slot.step): slot \(slot.slot) of epoch \(slot.epoch), not finite in \(slot.notFinite): "
                    + slot.samples.joined(separator: ", "))
        }
        for finding in audit.findings { Console.output.line("wrong: \(finding)") }
        if !audit.findings.isEmpty {
            throw Failure("\(reader.path) does not account for every sample; what is wrong stands above")
        }
    }
}
