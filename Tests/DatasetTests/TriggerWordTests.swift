import Dataset
import Testing

@Suite struct `The trigger word` {
    @Test func `is the class tokens where every caption has them`() {
        let captions = ["a photo of Ohwx cat", "ohwx cat, sitting"]
        #expect(TriggerWord.find(captions: captions, classTokens: "ohwx cat") == "ohwx cat")
    }

    @Test func `is the first tag that all captions have, wherever it stands`() {
        let captions = ["1girl, ohwx, red hair", "smile, ohwx, 1girl"]
        #expect(TriggerWord.find(captions: captions, classTokens: "girl in a hat") == "1girl")
        #expect(TriggerWord.find(captions: ["a|x", "b|X"], classTokens: nil, separator: "|") == "x")
    }

    @Test func `is the first word that all captions have, where they have no tag in common`() {
        let captions = ["a deer on a meadow", "the deer in the wood"]
        #expect(TriggerWord.find(captions: captions, classTokens: nil) == "deer")
    }

    @Test func `is the class tokens where nothing is captioned, and nothing where nothing is shared`() {
        #expect(TriggerWord.find(captions: ["", ""], classTokens: "horse") == "horse")
        #expect(TriggerWord.find(captions: ["a dog", "a cat"], classTokens: "horse") == nil)
        #expect(TriggerWord.find(captions: [], classTokens: nil) == nil)
    }

    @Test func `is followed by tags, or by words where there are no tags`() {
        let tags = CaptionParts("ohwx, red hair, , smile")
        #expect(tags.others(than: "ohwx") == ["red hair", "smile"])
        #expect(tags.prompt(trigger: "ohwx", others: 1) == "ohwx, red hair")
        let words = CaptionParts("horse on a pink background")
        #expect(words.prompt(trigger: "horse", others: 2) == "horse on a")
        #expect(words.prompt(trigger: "horse", others: 99) == "horse on a pink background")
    }
}
