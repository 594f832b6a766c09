import Dataset

/// What the model is told of a picture while a LoRA is evaluated, from nothing to the whole caption.
package struct Prompts: Equatable, Sendable {
    /// One prompt, and what it is called in tables: `empty`, `trigger`, `trigger+1`, `trigger+2`, `trigger+4`, …, `caption`.
    package struct Rung: Equatable, Sendable {
        package let name: String
        package let prompt: String
    }

    package static let empty = "empty"
    package static let trigger = "trigger"
    package static let caption = "caption"

    package let rungs: [Rung]

    /// - Parameters:
    ///   - counts: 1, 2, 4, …: how many tags follow the trigger on the rungs between; see ``counts(upTo:)``.
    package init(caption: String, trigger: String, separator: String, counts: [Int]) {
        let parts = CaptionParts(caption, separator: separator)
        let others = parts.others(than: trigger).count
        let between = counts.map { count in
            Rung(
                name: "trigger+\(count)",
                prompt: count >= others ? caption : parts.prompt(trigger: trigger, others: count))
        }
        rungs =
            [Rung(name: Self.empty, prompt: ""), Rung(name: Self.trigger, prompt: trigger)] + between
            + [Rung(name: Self.caption, prompt: caption)]
    }

    /// The powers of two below the most other parts that a caption has, 16 at most.
    package static func counts(upTo most: Int) -> [Int] { [1, 2, 4, 8, 16].filter { $0 < most } }

    /// Prompts that hardly any LoRA is about, for a recipe without regularization pictures.
    package static let unrelated = [
        "a mountain lake", "a bowl of fruit on a table", "a street in a city at night", "a sailing ship on the sea",
        "a shelf with old books", "a red sports car",
    ]

    /// Words that leave a LoRA what it is and put it elsewhere.
    package static let heldOut = ["at night", "in the snow", "on a beach", "as a watercolor painting"]

    /// Those of `prompts` that share no word of four letters or more with the captions.
    package static func strange(_ prompts: [String], to captions: [String]) -> [String] {
        func words(_ text: String) -> [String] {
            text.lowercased().split { !$0.isLetter }.filter { $0.count > 3 }.map(String.init)
        }
        let known = Set(captions.flatMap(words))
        return prompts.filter { known.isDisjoint(with: words($0)) }
    }
}
