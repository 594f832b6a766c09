import Coordination
import Foundation
import Images
import Journal
import Recipe
import StableDiffusion
import Training

/// The pictures that a run makes of itself, and where they are kept: `samples/step-000100-02.png`.
final class RunPictures {
    private let prompts: SamplePrompts
    private let recipe: Recipe
    private let folder: URL
    private let plan: TrainingPlan
    private let states: StateFolder
    private var marks: PlanMarks

    /// Makes the folder and writes `prompts.txt` into it, if there are to be pictures.
    init(_ prompts: SamplePrompts, recipe: Recipe, plan: TrainingPlan, files: RunFiles) throws {
        self.prompts = prompts
        self.recipe = recipe
        self.plan = plan
        states = files.states
        marks = PlanMarks(plan)
        folder = files.directory.appending(path: SamplePicture.folder)
        guard !prompts.prompts.isEmpty else { return }
        do {
            try makeDirectory(folder.path)
            try writeAtomically([UInt8](prompts.text.utf8), to: folder.appending(path: SamplePicture.promptFile).path)
        } catch {
            throw Failure("output_dir: \(folder.path) cannot be written (\(error.reason)): choose a folder of yours")
        }
    }

    /// What is due; to be asked once before the first step, and once after each.
    ///
    /// - Parameter firstSlot: where the next step begins.
    func due(step: Int, firstSlot: Int) -> [Data] {
        let (earlier, now, isResumed) = marks.advance(to: step, firstSlot: firstSlot)
        guard !prompts.prompts.isEmpty, recipe.samples.areDue(before: earlier, now: now) else { return [] }
        // Those of the step that a run goes on from may have been made by the life before.
        if isResumed, isWhole(step) { return [] }
        return (try? prompts.requests(step: step, recipe)) ?? []
    }

    /// What the life before was killed over: sets of steps before `step` that lack pictures, where a state has their
    /// weights.
    func missed(before step: Int) -> [MissedPictures] {
        guard !prompts.prompts.isEmpty else { return [] }
        return states.steps.reversed().filter { $0 < step && !isWhole($0) }.compactMap { earlier in
            // What is damaged has been named when the run looked for its past.
            guard let state = try? states.load(earlier), state.cursor.recipe == recipe.hash else { return nil }
            let firstSlot = state.cursor.firstSlot ?? plan.firstSlotOfRun(step: earlier)
            let before = earlier == 0 ? nil : marks.place(ofSlot: firstSlot - 1)
            guard recipe.samples.areDue(before: before, now: marks.place(ofSlot: firstSlot)),
                let requests = try? prompts.requests(step: earlier, recipe)
            else { return nil }
            return MissedPictures(step: earlier, weights: state.weights, requests: requests)
        }
    }

    private func isWhole(_ step: Int) -> Bool {
        prompts.prompts.indices.allSatisfy { isThere(step: step, index: $0) }
    }

    private func isThere(step: Int, index: Int) -> Bool {
        FileManager.default.fileExists(atPath: path(step: step, index: index))
    }

    private func path(step: Int, index: Int) -> String {
        folder.appending(path: SamplePicture.name(step: step, prompt: index)).path
    }

    /// Writes a picture, whole or not at all.
    func keep(_ picture: [UInt8], step: Int, index: Int) throws {
        guard PictureFormat(picture) == .png else { throw Failure("what the worker sent is no PNG file") }
        try writeAtomically(picture, to: path(step: step, index: index))
    }
}
