import Dataset
import Evaluation
import Foundation
import Recipe
import StableDiffusion

/// The pictures that a run makes of itself: the same prompts and seeds every time.
struct SamplePrompts {
    let prompts: [PromptFile.Prompt]
    /// A set's most pictures, whose numbers have two digits.
    static let most = 100

    /// The prompts that a recipe names, each checked against the model; none where it wants no pictures.
    ///
    /// - Throws: a sentence with file and line.
    init(_ prepared: PreparedRun) throws {
        let recipe = prepared.recipe
        guard recipe.samples.areWanted, let source = recipe.samples.prompts else {
            prompts = []
            return
        }
        let configuration = prepared.checkpoint.configuration
        let standard = Self.standard(recipe, factor: configuration.autoencoder.factor)
        if source == Samples.automatic {
            prompts = Self.written(prepared.manifest, recipe.data, standard)
            guard !prompts.isEmpty else {
                throw Failure(
                    "sample_prompts = \"auto\": the captions have no word in common to make prompts of; name a file of prompts"
                )
            }
        } else {
            prompts = try PromptFile(path: source, standard: standard).prompts
        }
        guard prompts.count <= Self.most else {
            throw Failure("sample_prompts: \(source) has \(prompts.count) prompts and may have \(Self.most)")
        }
        for prompt in prompts {
            do {
                try prompt.request.check(configuration)
            } catch {
                throw Failure("sample_prompts: '\(prompt.request.prompt)': \(error)")
            }
        }
    }

    /// What a prompt that says nothing else asks for: kohya's numbers, at the size that is trained.
    private static func standard(_ recipe: Recipe, factor: Int) -> (String) throws -> SamplingRequest {
        { prompt in
            var request = SamplingRequest(prompt)
            if let dataset = recipe.data.datasets.first {
                request.width = max(1, dataset.width / factor) * factor
                request.height = max(1, dataset.height / factor) * factor
            }
            request.seed = recipe.run.seed
            request.sampler = SamplerKind(named: recipe.samples.sampler) ?? .ddim
            request.clipSkip = recipe.model.clipSkip
            return request
        }
    }

    /// The three kinds by which a LoRA is judged, for each trigger word.
    private static func written(
        _ manifest: Manifest, _ data: TrainingData, _ standard: (String) throws -> SamplingRequest
    ) -> [PromptFile.Prompt] {
        let captions = manifest.pictures.filter { !$0.isRegularization }.map { manifest.wholeCaption(of: $0, data) }
        let triggers = manifest.triggers(data).sorted { $0.key.lexicographicallyPrecedes($1.key) }.prefix(8)
        return triggers.flatMap { place, trigger -> [PromptFile.Prompt] in
            let picture = manifest.pictures.first {
                !$0.isRegularization && [$0.dataset, $0.subset] == place
            }
            let caption = picture.map { manifest.wholeCaption(of: $0, data) } ?? trigger
            let other = Prompts.strange(Prompts.heldOut, to: captions).first ?? Prompts.heldOut[0]
            let joint = CaptionParts(caption).joint
            let kinds = [
                ("the trigger alone", trigger), ("the trigger and other words", trigger + joint + other),
                ("a caption", caption),
            ]
            return kinds.compactMap { group, prompt in
                (try? standard(prompt)).map { PromptFile.Prompt(request: $0, group: group) }
            }
        }
    }

    /// The prompts as a file that kohya's scripts and `danlu sample --prompts` read.
    var text: String {
        var group: String?
        return prompts.reduce(into: "") { text, prompt in
            if prompt.group != group, let name = prompt.group { text += "# group: \(name)\n" }
            group = prompt.group
            text += prompt.request.line + "\n"
        }
    }

    /// What workers are asked for after so many steps.
    ///
    /// - Parameter recipe: names model and LoRA in the pictures.
    func requests(step: Int, _ recipe: Recipe) throws -> [Data] {
        let model = URL(filePath: recipe.model.path).deletingPathExtension().lastPathComponent
        return try prompts.map { prompt in
            let lora = "<lora:\(recipe.run.outputName)-step\(step):\(prompt.request.adapterWeight)>"
            return try PictureRequest(
                sampling: prompt.request, text: prompt.request.parameters(model: "\(model) \(lora)")
            ).encoded
        }
    }
}
