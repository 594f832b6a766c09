import Dataset
import Recipe

/// The training pictures that LoRAs are evaluated on, and the words that go with them.
struct ChosenPictures {
    let pictures: [Manifest.Picture]
    private let manifest: Manifest
    private let data: TrainingData
    private let captions: [String]

    /// - Parameter count: at most so many, spread evenly over all that are no regularization pictures.
    init(_ manifest: Manifest, _ data: TrainingData, count: Int) {
        self.manifest = manifest
        self.data = data
        let trained = manifest.pictures.filter { !$0.isRegularization }
        let wanted = min(count, trained.count)
        pictures = (0..<wanted).map { trained[$0 * trained.count / wanted] }
        captions = trained.map { manifest.wholeCaption(of: $0, data) }
    }

    /// The prompts of each picture.
    ///
    /// - Parameter trigger: what the user says; nil is found out for each folder.
    func prompts(trigger: String?) throws(EvaluationError) -> (prompts: [Prompts], triggers: [String]) {
        let found = manifest.triggers(data)
        var triggers: [String] = []
        for picture in pictures {
            guard let word = trigger ?? found[[picture.dataset, picture.subset]] else {
                throw .noTrigger(folder: subset(of: picture).imageDirectory)
            }
            triggers.append(word)
        }
        let each = zip(pictures, triggers).map { picture, trigger in
            (
                caption: manifest.wholeCaption(of: picture, data), separator: subset(of: picture).captionSeparator,
                trigger
            )
        }
        let most = each.map { CaptionParts($0.caption, separator: $0.separator).others(than: $0.2).count }.max() ?? 0
        let counts = Prompts.counts(upTo: most)
        let prompts = each.map {
            Prompts(caption: $0.caption, trigger: $0.2, separator: $0.separator, counts: counts)
        }
        var seen: Set<String> = []
        return (prompts, triggers.filter { seen.insert($0).inserted })
    }

    private func subset(of picture: Manifest.Picture) -> TrainingData.Subset {
        data.datasets[picture.dataset].subsets[picture.subset]
    }

    /// At most eight prompts that do not call the LoRA.
    func unrelated(_ said: [String]?) throws(EvaluationError) -> [String] {
        let regularization = manifest.pictures.filter(\.isRegularization).map { manifest.wholeCaption(of: $0, data) }
        var seen: Set<String> = []
        let others = regularization.filter { !$0.isEmpty && seen.insert($0).inserted }
        let spread = (0..<min(8, others.count)).map { others[$0 * others.count / min(8, others.count)] }
        let prompts = said ?? (spread.isEmpty ? Prompts.strange(Prompts.unrelated, to: captions) : spread)
        guard !prompts.isEmpty else { throw .noPrompts(kind: "unrelated prompts", option: "--unrelated") }
        return prompts
    }

    func heldOut(_ said: [String]?) throws(EvaluationError) -> [String] {
        let words = said ?? Prompts.strange(Prompts.heldOut, to: captions)
        guard !words.isEmpty else { throw .noPrompts(kind: "held-out words", option: "--held-out") }
        return words
    }
}
