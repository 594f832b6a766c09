import Foundation
import Images
import Recipe
import StableDiffusion
import Training

/// The pictures that a run makes of itself, and where they are kept: `samples/step-000100-02.png`.
final class RunPictures {
    private let prompts: SamplePrompts
    private let recipe: Recipe
    private let plan: TrainingPlan
    private let folder: URL
    /// Where the step before began: in steps of the plan, and whole epochs.
    private var before: (steps: Int, epochs: Int)?

    /// Makes the folder and writes `prompts.txt` into it, if there are to be pictures.
    init(_ prompts: SamplePrompts, recipe: Recipe, plan: TrainingPlan, files: RunFiles) throws {
        self.prompts = prompts
        self.recipe = recipe
        self.plan = plan
        folder = files.directory.appending(path: "samples")
        guard !prompts.prompts.isEmpty else { return }
        do {
            try makeDirectory(folder.path)
            try writeAtomically([UInt8](prompts.text.utf8), to: folder.appending(path: "prompts.txt").path)
        } catch {
            throw Failure("output_dir: \(folder.path) cannot be written (\(error.reason)): choose a folder of yours")
        }
    }

    /// What is due; to be asked once before the first step, and once after each.
    ///
    /// - Parameter firstSlot: where the next step begins.
    func due(step: Int, firstSlot: Int) -> [Data] {
        let now = (steps: Int(plan.baseStep(ofSlot: firstSlot)), epochs: firstSlot / plan.slotsPerEpoch)
        let isResumed = before == nil && step > 0
        let earlier =
            isResumed
            ? (steps: Int(plan.baseStep(ofSlot: firstSlot - 1)), epochs: (firstSlot - 1) / plan.slotsPerEpoch) : before
        before = now
        guard !prompts.prompts.isEmpty, recipe.samples.areDue(before: earlier, now: now) else { return [] }
        // Those of the step that a run goes on from may have been made by the life before.
        if isResumed, prompts.prompts.indices.allSatisfy({ isThere(step: step, index: $0) }) { return [] }
        return (try? prompts.requests(step: step, recipe)) ?? []
    }

    private func isThere(step: Int, index: Int) -> Bool {
        FileManager.default.fileExists(atPath: path(step: step, index: index))
    }

    private func path(step: Int, index: Int) -> String {
        func padded(_ number: Int, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return folder.appending(path: "step-\(padded(step, 6))-\(padded(index, 2)).png").path
    }

    /// Writes a picture, whole or not at all.
    func keep(_ picture: [UInt8], step: Int, index: Int) throws {
        guard PictureFormat(picture) == .png else { throw Failure("what the worker sent is no PNG file") }
        try writeAtomically(picture, to: path(step: step, index: index))
    }
}
