package import Recipe

/// What will happen, said before anything does, in lines of at most 80 columns.
package struct PlanText: Sendable {
    package var recipe: Recipe
    package var plan: TrainingPlan
    package var learningRates: LearningRates
    /// Workers that are to take part, where it is known.
    package var workers: Int?
    /// The size of the LoRA's file in `save_precision`.
    package var fileBytes: Int?
    /// Pictures that are held out for validation.
    package var heldOut = 0
    /// What a step is expected to take, where it is known.
    package var secondsPerStep: Double?

    static let width = 80

    package init(
        recipe: Recipe, plan: TrainingPlan, learningRates: LearningRates, workers: Int? = nil, fileBytes: Int? = nil,
        heldOut: Int = 0, secondsPerStep: Double? = nil
    ) {
        self.heldOut = heldOut
        self.recipe = recipe
        self.plan = plan
        self.learningRates = learningRates
        self.workers = workers
        self.fileBytes = fileBytes
        self.secondsPerStep = secondsPerStep
    }

    /// The plan and its hints, with a newline at the end.
    package var text: String {
        var text = "The plan\n"
        for (name, value) in rows { text += Self.row(name, value) }
        for hint in hints { text += "\n" + "Note: \(hint)".wrapped(indent: 2, width: Self.width) }
        return text
    }

    private static func row(_ name: String, _ value: String) -> String {
        let head = "  " + name + String(repeating: " ", count: max(1, 16 - name.count))
        let lines = value.wrapped(indent: 18, width: width)
        return head + lines.dropFirst(18)
    }

    private var rows: [(String, String)] {
        var rows = [
            ("model", Self.shortened(recipe.model.path)), ("pictures", pictures), ("step", step), ("epoch", epoch),
            ("run", run),
        ]
        if heldOut > 0 { rows.append(("validation", validation)) }
        rows += worlds
        rows += [("adapter", adapter), ("optimizer", optimizer), ("schedule", schedule)]
        rows += learningRates.groups.enumerated().map { index, group in
            (index == 0 ? "learning rate" : "", rate(group))
        }
        rows.append(("file", file))
        if let expected { rows.append(("expected", expected)) }
        return rows
    }

    private var pictures: String {
        let count = plan.buckets.reduce(0) { $0 + $1.pictures.count }
        let repeats = plan.buckets.flatMap(\.pictures).map(\.repeats)
        let (fewest, most) = (repeats.min() ?? 0, repeats.max() ?? 0)
        let often = fewest < most ? "\(fewest) to \(most) times" : most == 1 ? "once" : "\(most) times"
        return "\(count), each \(often): \(Figures.count(plan.samplesPerEpoch, "sample")) in an epoch, in "
            + Figures.count(plan.buckets.count, "bucket")
    }

    private var validation: String {
        let shown = recipe.validationPictures(of: heldOut)
        let looked = shown < heldOut ? ", of which \(shown) are looked at" : ""
        let steps = recipe.objective.validationTimesteps
        let epochs = recipe.validation.everyNEpochs ?? 1
        let marks = [
            recipe.validation.everyNSteps.map { $0 == 1 ? "every step" : "every \($0) steps" },
            epochs == 1 ? "every epoch" : "every \(epochs) epochs",
        ].compactMap(\.self)
        return "\(Figures.count(heldOut, "picture")) held out\(looked), at timesteps "
            + steps.map(String.init).joined(separator: ", ")
            + ": \(Figures.count(shown * steps.count, "sample")) after \(marks.joined(separator: ", ")) and at the end"
    }

    private var step: String {
        let sizes = Set(plan.buckets.map(\.batchSize)).sorted()
        let size = sizes.count == 1 ? "\(sizes[0])" : "\(sizes[0]) to \(sizes[sizes.count - 1])"
        let slots = "\(Figures.count(plan.slotsPerStep, "slot")) of \(size)"
        if recipe.batch.policy == .perWorker {
            return "\(slots) for each worker that is in when it begins (learning rates are for a batch of "
                + "\(recipe.batch.referenceBatch.short)); the result depends on who is in when: it is never exact"
        }
        return "\(slots): effective batch \(recipe.batch.effectiveBatch)"
            + (recipe.batch.baseBatchSize.map { " (learning rates are for \($0))" } ?? "")
    }

    private var epoch: String {
        let steps = "\(Figures.count(plan.slotsPerEpoch, "slot")) = \(Figures.count(plan.stepsPerEpoch, "step"))"
        return recipe.batch.policy == .perWorker ? steps + " of one worker" : steps
    }

    private var run: String {
        let whole = plan.totalSteps % plan.stepsPerEpoch == 0
        let steps =
            recipe.batch.policy == .fixed
            ? Figures.count(plan.totalSteps, "step")
            : "the samples of \(Figures.count(plan.totalSteps, "step")) of one worker"
        return "\(steps), \(Figures.count(plan.epochs, "epoch"))"
            + (whole ? "" : " (the last in part)") + ", seed \(plan.seed)"
    }

    private var adapter: String {
        let network = recipe.network
        let parts = [network.trainsUNet ? "UNet" : nil, network.trainsTextEncoder ? "text encoder" : nil]
        let origin = network.initialWeights.map { ", going on from \(Self.shortened($0))" } ?? ""
        return
            "LoRA of rank \(network.rank), alpha \((network.alpha == 0 ? Double(network.rank) : network.alpha).short) "
            + "(counts \(network.scale.short)), on " + parts.compactMap { $0 }.joined(separator: " and ") + origin
    }

    private var optimizer: String {
        let (optimizer, scaling) = (recipe.optimizer, learningRates.scaling)
        let own =
            switch optimizer.kind {
            case .adamW: "betas \(scaling.beta1.short) \(scaling.beta2.short), eps \(Figures.rate(scaling.epsilon))"
            case .sgd: "momentum \(optimizer.momentum.short)" + (optimizer.nesterov ? " (Nesterov)" : "")
            }
        let clip =
            optimizer.maxGradientNorm > 0 ? "clipped at norm \(optimizer.maxGradientNorm.short)" : "never clipped"
        return "\(optimizer.kind.rawValue), \(own), weight decay \(optimizer.weightDecay.short), \(clip)"
    }

    private var schedule: String {
        let warmup = recipe.schedule.warmupSteps(totalSteps: plan.totalSteps)
        var text = recipe.schedule.kind.rawValue
        if recipe.schedule.kind == .cosineWithRestarts { text += ", \(Figures.count(recipe.schedule.cycles, "cycle"))" }
        text += warmup > 0 ? ", warm-up over \(Figures.count(warmup, "step"))" : ", no warm-up"
        if learningRates.scaling.factor != 1, recipe.batch.scalingWarmupSteps > 0 {
            text += ", scaled over \(Figures.count(recipe.batch.scalingWarmupSteps, "step"))"
        }
        if recipe.batch.policy == .perWorker {
            text += ", by samples seen; a change of the world takes \(Figures.count(recipe.batch.rampSteps, "step"))"
        }
        return text
    }

    private func rate(_ group: ParameterGroup) -> String {
        let scaling = learningRates.scaling
        let base = "\(group.rawValue) \(Figures.rate(learningRates.base(group)))"
        // Where the batch grows with the world, the rates stand beside each world.
        guard scaling.factor != 1, recipe.batch.policy == .fixed else { return base }
        return
            "\(base) -> \(Figures.rate(learningRates.scaled(group))) (\(scaling.rule.rawValue), x \(scaling.factor.short))"
    }

    private var file: String {
        let folder = recipe.run.outputDirectory
        let path = folder + (folder.hasSuffix("/") ? "" : "/") + recipe.run.outputName + ".safetensors"
        let size = fileBytes.map { ", \(Figures.bytes($0))" } ?? ""
        return "\(Self.shortened(path)) (\(recipe.run.savePrecision))\(size)"
    }

    private var expected: String? {
        guard let secondsPerStep else { return nil }
        let steps = recipe.batch.policy == .fixed ? plan.totalSteps : plan.steps(workers: workers ?? 1)
        let clock = Figures.clock(secondsPerStep * Double(steps))
        let who = workers.map { " on \(Figures.count($0, "worker"))" } ?? ""
        return "\(clock)\(who), \(Figures.speed(secondsPerStep: secondsPerStep))"
    }

    /// The end of a path that is too long for its row.
    private static func shortened(_ path: String) -> String {
        path.count <= 44 ? path : "..." + path.suffix(41)
    }
}
