import Dataset
import Recipe
import Testing

@Suite struct `A caption file` {
    @Test func `is looked for as .txt, then .caption, or by the ending asked for`() throws {
        let folder = try TemporaryFolder()
        let picture = folder.path + "/a.b.png"
        #expect(try CaptionFile(besides: picture, captionExtension: nil) == nil)
        try folder.write("a.b.caption", "from caption")
        #expect(try CaptionFile(besides: picture, captionExtension: nil)?.caption == "from caption")
        try folder.write("a.b.txt", "from txt")
        #expect(try CaptionFile(besides: picture, captionExtension: nil)?.caption == "from txt")
        #expect(try CaptionFile(besides: picture, captionExtension: "caption")?.caption == "from caption")
        #expect(try CaptionFile(besides: picture, captionExtension: ".tags") == nil)
    }

    @Test(arguments: [
        ("a horse", "a horse", false), ("\u{FEFF}a horse\r\n", "a horse", false), ("  一匹马 🐎 \n", "一匹马 🐎", false),
        ("\n\n first \nsecond\n", "first", true), ("", "", false), (" \n ", "", false),
    ])
    func `gives its first line with something on it`(text: String, caption: String, hasMoreLines: Bool) throws {
        let file = try CaptionFile(path: "a.txt", bytes: Array(text.utf8))
        #expect(file.caption == caption)
        #expect(file.hasMoreLines == hasMoreLines)
    }

    @Test func `that is not UTF-8 is refused with file and byte`() {
        // "白马" in GBK, after two bytes of ASCII.
        #expect(
            sentence { try CaptionFile(path: "a.txt", bytes: [0x61, 0x20, 0xB0, 0xD7, 0xC2, 0xED]) }
                == "a.txt is not UTF-8 (byte 2 is 0xb0): save it as UTF-8")
        #expect(
            sentence { try CaptionFile(path: "a.txt", bytes: [0xEF, 0xBB, 0xBF, 0x61, 0xFF]) }.contains(
                "byte 4 is 0xff"))
        #expect(sentence { try CaptionFile(path: "a.txt", bytes: [0xFF, 0xFE, 0x61, 0]) }.contains("is UTF-16"))
        #expect(sentence { try CaptionFile(path: "a.txt", bytes: [0xE4, 0xB8]) }.contains("byte 0 is 0xe4"))
    }
}

@Suite struct `A sample's caption` {
    private let caption = "horse, pink background, grass ,sky"

    private func draws(epoch: Int = 0, repetition: Int = 0) -> CaptionDraws {
        CaptionDraws(seed: 7, epoch: epoch, sample: SampleAddress(picture: 3, repetition: repetition))
    }

    private func subset(_ change: (inout TrainingData.Subset) -> Void) -> TrainingData.Subset {
        var subset = TrainingData.Subset()
        change(&subset)
        return subset
    }

    @Test func `is the caption itself where nothing is asked for`() {
        let plain = TrainingData.Subset()
        #expect(plain.caption(from: caption, epoch: 0, draws: draws()) == caption)
        #expect(!plain.variesCaptions)
    }

    @Test func `stands between prefix and suffix`() {
        let subset = subset { ($0.captionPrefix, $0.captionSuffix) = ("photo of", "in spring") }
        #expect(subset.caption(from: "a horse", epoch: 0, draws: draws()) == "photo of a horse in spring")
    }

    @Test func `is shuffled behind the tags that are kept, and each draw is the sample's own`() {
        let subset = subset { ($0.shuffleCaption, $0.keepTokens) = (true, 1) }
        var seen: Set<String> = []
        for repetition in 0..<60 {
            let shuffled = subset.caption(from: caption, epoch: 0, draws: draws(repetition: repetition))
            #expect(shuffled.hasPrefix("horse, "))
            #expect(Set(shuffled.split(separator: ", ")) == ["horse", "pink background", "grass", "sky"])
            #expect(shuffled == subset.caption(from: caption, epoch: 0, draws: draws(repetition: repetition)))
            seen.insert(shuffled)
        }
        #expect(seen.count == 6, "all orders of three tags")
    }

    @Test func `loses flexible tags at the rate asked for, kept ones never`() {
        let subset = subset { ($0.captionTagDropoutRate, $0.keepTokens) = (0.25, 1) }
        let left = (0..<1000).map { repetition in
            let caption = subset.caption(from: caption, epoch: 0, draws: draws(repetition: repetition))
            #expect(caption.hasPrefix("horse"))
            return caption.split(separator: ", ").count - 1
        }
        #expect((2100...2400).contains(left.reduce(0, +)), "three quarters of 3000")
    }

    @Test func `is dropped whole at the rate asked for`() {
        let subset = subset { $0.captionDropoutRate = 0.1 }
        let dropped = (0..<2000).count { subset.caption(from: caption, epoch: 0, draws: draws(repetition: $0)).isEmpty }
        #expect((150...250).contains(dropped))
    }

    @Test func `is dropped in every n-th epoch, counted from 1`() {
        let subset = subset { $0.captionDropoutEveryNEpochs = 3 }
        let isDropped = (0..<7).map { subset.caption(from: caption, epoch: $0, draws: draws(epoch: $0)).isEmpty }
        #expect(isDropped == [false, false, true, false, false, true, false])
        #expect(subset.variesCaptions)
    }

    @Test func `is split at the separator asked for and joined by commas`() {
        let subset = subset {
            ($0.shuffleCaption, $0.keepTokens, $0.captionSeparator) = (true, 9, "，")
        }
        #expect(subset.caption(from: "马，草地 ，天空", epoch: 0, draws: draws()) == "马, 草地, 天空")
    }
}
