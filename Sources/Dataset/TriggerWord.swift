package import Recipe

/// The word that calls what a LoRA has learned, as the captions that it was trained with have it.
package enum TriggerWord {
    /// The trigger of one folder's pictures.
    ///
    /// It is the class tokens where every caption has them; else the first tag, or else the first word, that all captions
    /// have in common (`a`, `an` and `the` aside).
    ///
    /// - Returns: nil where the captions have nothing in common.
    package static func find(captions: [String], classTokens: String?, separator: String = ",") -> String? {
        let captions = captions.filter { !$0.isEmpty }
        if captions.isEmpty { return classTokens }
        if let classTokens, captions.allSatisfy({ $0.lowercased().contains(classTokens.lowercased()) }) {
            return classTokens
        }
        let cut = captions.map { CaptionParts($0, separator: separator) }
        return common(cut.map(\.parts)) ?? common(cut.map { $0.parts.flatMap(words) })
    }

    private static func words(_ text: String) -> [String] {
        text.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private static func common(_ lists: [[String]]) -> String? {
        let rest = lists.dropFirst().map { Set($0.map { $0.lowercased() }) }
        return lists.first?.first { part in
            !["a", "an", "the"].contains(part.lowercased()) && rest.allSatisfy { $0.contains(part.lowercased()) }
        }
    }
}

extension Manifest {
    /// The trigger words of the subsets that are trained, by dataset and subset; none for a subset without one.
    ///
    /// - Parameter data: the recipe's, with its folders listed.
    package func triggers(_ data: TrainingData) -> [[Int]: String] {
        let trained = Dictionary(grouping: pictures.filter { !$0.isRegularization }) { [$0.dataset, $0.subset] }
        return trained.compactMapValues { pictures in
            let subset = data.datasets[pictures[0].dataset].subsets[pictures[0].subset]
            return TriggerWord.find(
                captions: pictures.map { subset.wholeCaption($0.caption) }, classTokens: subset.classTokens,
                separator: subset.captionSeparator)
        }
    }

    /// A picture's caption where nothing is shuffled or dropped.
    package func wholeCaption(of picture: Picture, _ data: TrainingData) -> String {
        data.datasets[picture.dataset].subsets[picture.subset].wholeCaption(picture.caption)
    }
}
