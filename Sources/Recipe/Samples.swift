/// Pictures that are made while a run goes on, to see what it learns; they change nothing of the result.
package struct Samples: Codable, Equatable, Sendable {
    /// `sample_prompts`: a file with a prompt on each line, or ``automatic``; nil makes no pictures.
    package var prompts: String?
    /// `sample_every_n_steps`.
    package var everyNSteps: Int?
    /// `sample_every_n_epochs`; overrules ``everyNSteps``, as in kohya's scripts.
    package var everyNEpochs: Int?
    /// `sample_at_first`: before the first step too.
    package var atFirst = false
    /// `sample_sampler`, where a prompt does not say.
    package var sampler = "ddim"

    /// What `sample_prompts` says for prompts that are made from the captions.
    package static let automatic = "auto"
    /// kohya's names of the samplers that there are.
    package static let samplers = ["ddim", "euler", "euler_a", "k_euler", "k_euler_a", "dpmsolver++"]

    package init() {}

    /// Whether pictures are ever made.
    package var areWanted: Bool { prompts != nil && (atFirst || everyNSteps != nil || everyNEpochs != nil) }

    /// Whether pictures are due between two steps.
    ///
    /// A step that passes several marks makes one set of pictures.
    ///
    /// - Parameters:
    ///   - before: how many steps of the plan were done before the last one, and whole epochs; nil before the first step.
    ///   - now: how many are done now.
    package func areDue(before: (steps: Int, epochs: Int)?, now: (steps: Int, epochs: Int)) -> Bool {
        guard prompts != nil else { return false }
        guard let before else { return atFirst && now.steps == 0 }
        if let everyNEpochs { return before.epochs / everyNEpochs < now.epochs / everyNEpochs }
        if let everyNSteps { return before.steps / everyNSteps < now.steps / everyNSteps }
        return false
    }

    /// What is not what it seems.
    var note: String? {
        let isTimed = atFirst || everyNSteps != nil || everyNEpochs != nil
        if prompts == nil, isTimed {
            return "no pictures are made while training: sample_prompts names no file of prompts (or \"auto\")."
        }
        if prompts != nil, !isTimed {
            return "no pictures are made while training: say when with sample_every_n_steps, sample_every_n_epochs or "
                + "sample_at_first."
        }
        if everyNSteps != nil, everyNEpochs != nil {
            return "sample_every_n_steps has no effect beside sample_every_n_epochs, as in kohya's scripts."
        }
        return nil
    }
}
