package import Adapters
package import Dataset
package import Recipe
package import StableDiffusion
package import Torch
import Training

/// How thoroughly LoRAs are evaluated, and with which words.
package struct EvaluationSettings: Sendable {
    /// Training pictures that are asked about, spread over all of them.
    package var pictures = 8
    /// Timesteps for each, and steps of each way from noise to a picture.
    package var timesteps = 8
    /// Draws the noise, and nothing else.
    package var seed: UInt64 = 0
    /// How much of each LoRA's change is made.
    package var weight = 1.0
    /// The word that calls the LoRA; nil finds it in the captions.
    package var trigger: String?
    /// Prompts that have nothing to do with the LoRA; nil takes the regularization pictures' captions, or its own.
    package var unrelated: [String]?
    /// Words to put behind the trigger that were not trained; nil takes its own.
    package var heldOut: [String]?

    package init() {}
}

/// Measures LoRA files against the base model, all on the same pictures, noise and timesteps.
///
/// The same files and settings give the same numbers, bit for bit, on the same libtorch, processor and threads.
package final class Evaluator {
    package let base: BaseFigures
    package let pictures: Int
    package let timesteps: [Int]
    /// The triggers that were used, in order.
    package let triggers: [String]
    private let settings: EvaluationSettings
    private let checkpoint: Checkpoint
    private let recipe: Recipe
    private let device: Device
    private let type: ScalarType
    private let probes: [PictureProbe]
    private let basePredictions: [Tensor]
    private let calm: [Calm]
    private let words: [HeldOutWord]
    private let progressed: (String) -> Void

    /// An unrelated prompt, and what the base model says on its way.
    private struct Calm {
        let way: WayProbe
        let said: Tensor
    }

    /// A word behind the trigger, and what it changes for the base model.
    private struct HeldOutWord {
        let way: WayProbe
        let trigger: String
        let response: Tensor
        let square: Double
    }

    /// Asks the base model everything.
    ///
    /// - Parameters:
    ///   - recipe: with its folders listed.
    ///   - progressed: told in a few words what is being done.
    /// - Throws: ``EvaluationError``, or what reading pictures and the model throws.
    package init(
        recipe: Recipe, manifest: Manifest, checkpoint: Checkpoint, device: Device, settings: EvaluationSettings,
        progressed: @escaping (String) -> Void = { _ in }
    ) throws {
        self.settings = settings
        self.checkpoint = checkpoint
        self.recipe = recipe
        self.device = device
        self.progressed = progressed
        try settings.check()
        type = recipe.precision.mixed.scalarType(on: device)
        let schedule = NoiseSchedule(
            checkpoint.configuration.scheduler, zeroTerminalSNR: recipe.objective.zeroTerminalSNR)
        timesteps = PictureProbe.timesteps(settings.timesteps, recipe.objective, of: schedule)
        let chosen = ChosenPictures(manifest, recipe.data, count: settings.pictures)
        pictures = chosen.pictures.count
        let called = try chosen.prompts(trigger: settings.trigger)
        triggers = called.triggers
        progressed("asking the base model about \(chosen.pictures.count) pictures")
        let latents = try LatentSource(checkpoint, device: device, cache: LatentCache(memoryLimit: 0))
        let (seed, moments) = (settings.seed, timesteps)
        probes = try zip(chosen.pictures, called.prompts).enumerated().map { index, each in
            try PictureProbe(
                latents.latents(of: each.0, view: SampleView(of: each.0)), index: index, prompts: each.1,
                timesteps: moments, seed: seed, schedule: schedule,
                autoencoder: checkpoint.configuration.autoencoder, device: device)
        }
        let model = try AdjustableModel(
            checkpoint, recipe: recipe.model, loras: [], computing: type, device: device)
        base = BaseFigures(losses: try Self.losses(of: model, probes))
        basePredictions = try probes.map { try model.captionPrediction($0) }

        progressed("asking the base model about other prompts")
        let shape = [1] + probes[0].noisy.shape.dropFirst()
        func way(_ prompt: String, _ index: Int) throws -> WayProbe {
            try WayProbe(
                prompt, index: index, steps: settings.timesteps, shape: shape, seed: seed, base: model,
                scheduler: checkpoint.configuration.scheduler, device: device)
        }
        let unrelated = try chosen.unrelated(settings.unrelated)
        calm = try unrelated.enumerated().map { index, prompt in
            let way = try way(prompt, index)
            return Calm(
                way: way, said: try model.prediction(way.points, timesteps: way.timesteps, prompt: prompt))
        }
        let trigger = called.triggers[0]
        let joint = CaptionParts(called.prompts[0].rungs.last?.prompt ?? "").joint
        words = try chosen.heldOut(settings.heldOut).enumerated().map { index, word in
            let way = try way(trigger + joint + word, unrelated.count + index)
            let response = try model.response(to: way, without: trigger)
            return HeldOutWord(
                way: way, trigger: trigger, response: response, square: try response.squared().sum().item())
        }
    }

    /// `L(p)` by prompt.
    private static func losses(of model: AdjustableModel, _ probes: [PictureProbe]) throws -> [String: Double] {
        var sums: [String: Double] = [:]
        for probe in probes {
            for rung in probe.prompts.rungs {
                let prediction = try model.prediction(
                    probe.noisy, timesteps: probe.timesteps, prompt: rung.prompt)
                sums[rung.name, default: 0] += try (prediction - probe.target).meanSquare()
            }
        }
        return sums.mapValues { $0 / Double(probes.count) }
    }

    /// Measures one LoRA.
    ///
    /// - Parameter companion: another one to put beside it, with its weight.
    /// - Throws: `AdapterError` where a file does not fit the model, ``EvaluationError/notFinite(file:)``.
    package func qualities(
        of file: LoRAFile, beside companion: (file: LoRAFile, weight: Double)? = nil
    ) throws -> Qualities {
        progressed("evaluating \(file.path)")
        let model = try self.model([(file, 1)])
        model.weight = settings.weight
        let losses = try Self.losses(of: model, probes)
        let moves = try zip(probes, basePredictions).map { try model.captionPrediction($0) - $1 }
        let uncalled = try mean(
            calm.map { calm in
                try
                    (model.prediction(calm.way.points, timesteps: calm.way.timesteps, prompt: calm.way.prompt)
                    - calm.said).meanSquare()
            })
        let obedience = try mean(words.map { try self.obedience(of: model, to: $0) })
        let byWeight = try Qualities.weights.map { weight in
            model.weight = weight
            return Qualities.WeightFall(weight: weight, fall: try captionFall(of: model))
        }
        let company = try companion.map { try self.company(of: file, moves: moves, $0) }
        let qualities = Qualities(
            base: base.losses, losses: losses, called: try mean(moves.map { try $0.meanSquare() }),
            uncalled: uncalled, obedience: obedience, byWeight: byWeight, company: company)
        guard qualities.isFinite else { throw EvaluationError.notFinite(file: file.path) }
        return qualities
    }

    private func model(_ loras: [(file: LoRAFile, weight: Double)]) throws -> AdjustableModel {
        try AdjustableModel(checkpoint, recipe: recipe.model, loras: loras, computing: type, device: device)
    }

    private func captionFall(of model: AdjustableModel) throws -> Double {
        let loss = try mean(probes.map { try (model.captionPrediction($0) - $0.target).meanSquare() })
        return (base.losses[Prompts.caption] ?? 0) - loss
    }

    private func obedience(of model: AdjustableModel, to word: HeldOutWord) throws -> Double {
        guard word.square > 0 else { return 1 }
        let answer = try model.response(to: word.way, without: word.trigger)
        return min(1, max(0, try (answer * word.response).sum().item() / word.square))
    }

    private func company(
        of file: LoRAFile, moves: [Tensor], _ companion: (file: LoRAFile, weight: Double)
    ) throws -> Double {
        let alone = try model([companion])
        let other = try zip(probes, basePredictions).map { try alone.captionPrediction($0) - $1 }
        let together = try model([(file, settings.weight), companion])
        let both = try zip(probes, basePredictions).map { try together.captionPrediction($0) - $1 }
        let excess = try mean(both.indices.map { try (both[$0] - moves[$0] - other[$0]).meanSquare() })
        let whole = try mean((moves + other).map { try $0.meanSquare() }) * 2
        return whole > 0 ? 1 / (1 + excess / whole) : 1
    }
}

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

extension AdjustableModel {
    fileprivate func captionPrediction(_ probe: PictureProbe) throws -> Tensor {
        let caption = probe.prompts.rungs.last?.prompt ?? ""
        return try prediction(probe.noisy, timesteps: probe.timesteps, prompt: caption)
    }

    /// What the words behind the trigger change.
    fileprivate func response(to way: WayProbe, without trigger: String) throws -> Tensor {
        try prediction(way.points, timesteps: way.timesteps, prompt: way.prompt)
            - prediction(way.points, timesteps: way.timesteps, prompt: trigger)
    }
}

extension EvaluationSettings {
    fileprivate func check() throws(EvaluationError) {
        guard (1...4096).contains(pictures) else {
            throw .outOfRange(option: "--pictures", value: "\(pictures)", allowed: "1...4096")
        }
        guard (1...200).contains(timesteps) else {
            throw .outOfRange(option: "--timesteps", value: "\(timesteps)", allowed: "1...200")
        }
        guard weight.isFinite, (-10...10).contains(weight) else {
            throw .outOfRange(option: "--weight", value: "\(weight)", allowed: "-10...10")
        }
    }
}
