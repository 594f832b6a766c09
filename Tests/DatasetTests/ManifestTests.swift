import Dataset
import Foundation
import Images
import Recipe
import Synchronization
import Testing

@Suite struct `A manifest` {
    @Test func `holds every picture with its caption, size and bucket`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("orientation6.jpg", as: "train/10_horse/b.jpg")
        try folder.copy("一匹马.png", as: "train/10_horse/一匹马.png")
        try folder.write("train/10_horse/b.txt", "a horse on grass")
        var data = TrainingData()
        data.trainDataDirectory = folder.path + "/train"
        (data.datasetDefaults.width, data.datasetDefaults.height) = (64, 64)

        let (listed, notes) = try data.withFoldersListed()
        #expect(notes.isEmpty)
        #expect(try listed.withFoldersListed().data == listed)
        let manifest = try Manifest.make(from: listed)

        #expect(manifest.pictures.map(\.index) == [0, 1])
        #expect(manifest.pictures.map(\.name) == ["b.jpg", "一匹马.png"])
        #expect(manifest.pictures.map(\.caption) == ["a horse on grass", "horse"])
        #expect(manifest.pictures.map(\.repeats) == [10, 10])
        #expect(manifest.pictures.map(\.size) == [PixelSize(width: 48, height: 32), PixelSize(width: 48, height: 32)])
        #expect(manifest.pictures[0].bucket == PixelSize(width: 64, height: 64))
        #expect(manifest.pictures[0].resized == PixelSize(width: 96, height: 64))
        #expect(manifest.pictures[1].sha256.count == 64)
        #expect(try manifest.pictures[1].file().decoded() == decoded("plain.png"))
        #expect(manifest.notes == ["\(folder.path)/train/10_horse: 1 of 2 pictures have no caption and take \"horse\""])
        #expect(try JSONDecoder().decode(Manifest.self, from: JSONEncoder().encode(manifest)) == manifest)
    }

    @Test func `is named by what is learnt, wherever it lies`() throws {
        let folder = try TemporaryFolder()
        for place in ["here", "there"] {
            try folder.copy("plain.png", as: "\(place)/a.png")
            try folder.copy("gray.png", as: "\(place)/b.png")
        }
        func hash(_ place: String, repeats: Int = 1) throws -> String {
            try Manifest.make(from: .of([.init(folder.path + "/" + place, repeats: repeats)])).hash
        }
        let here = try hash("here")
        #expect(here.count == 64)
        #expect(try hash("there") == here)
        #expect(try hash("here", repeats: 2) != here)
        try folder.write("there/a.txt", "a deer")
        #expect(try hash("there") != here)
    }

    @Test func `groups pictures into the plan's buckets`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("plain.png", as: "a.png")
        try folder.copy("resize-source.png", as: "b.png")
        try folder.copy("wide-30000.png", as: "c.png")
        var data = TrainingData.of([.init(folder.path, repeats: 3)])
        data.datasets[0].enableBucket = true
        data.datasets[0].minBucketResolution = 32
        data.datasets[0].maxBucketResolution = 128
        data.datasets[0].bucketResolutionSteps = 32
        var recipe = Recipe()
        recipe.data = data
        recipe.batch.trainBatchSize = 2
        let buckets = try Manifest.make(from: data).plannedBuckets(recipe)
        #expect(buckets.map(\.batchSize).allSatisfy { $0 == 2 })
        #expect(buckets.flatMap { $0.pictures.map(\.index) }.sorted() == [0, 1, 2])
        #expect(buckets.map(\.width) == buckets.map(\.width).sorted())
        #expect(buckets.last?.width == 128 && buckets.last?.height == 32)
        #expect(try TrainingPlan(recipe: recipe, buckets: buckets).samplesPerEpoch == 9)
        recipe.data.datasets[0].batchSize = 5
        #expect(try Manifest.make(from: data).plannedBuckets(recipe)[0].batchSize == 5)
    }

    @Test func `names every picture and caption that cannot be used, ten at most`() throws {
        let folder = try TemporaryFolder()
        let bad = ["empty.png", "text.png", "truncated.jpg", "one-pixel.png", "promises-too-much.png"]
        for name in bad + ["plain.png"] { try folder.copy(name) }
        try folder.write("plain.txt", [0x61, 0xFF])
        let told = sentence { try Manifest.make(from: .of([.init(folder.path)])) }
        #expect(told.hasPrefix("6 files cannot be used:\n"))
        for name in bad + ["plain.txt"] { #expect(told.contains("/\(name) is "), "\(name)") }
        #expect(
            told.contains("/one-pixel.png is 1×1 pixels and too small to learn from: both sides must have at least 16"))

        for number in 0..<8 { try folder.write("more-\(number).png", "no picture") }
        let more = sentence { try Manifest.make(from: .of([.init(folder.path)])) }
        #expect(more.hasPrefix("14 files cannot be used:\n") && more.hasSuffix("and 4 more"))
    }

    @Test func `says one bad picture in one sentence`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("empty.png")
        let told = sentence { try Manifest.make(from: .of([.init(folder.path)])) }
        #expect(told == "\(folder.path)/empty.png is empty (0 bytes): replace it or take it out of the folder")
    }

    @Test func `needs something to train on, and something to call it`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("plain.png")
        #expect(
            sentence { try Manifest.make(from: .of([.init(folder.path, isRegularization: true)])) }
                .contains("no pictures to train on"))
        #expect(sentence { try TrainingData().withFoldersListed() }.contains("no pictures to train on"))
        #expect(
            sentence { try Manifest.make(from: .of([.init(folder.path, classTokens: nil)])) }
                == "none of the 1 pictures in \(folder.path) has a caption beside it (.txt or .caption) "
                + "and the folder has no class tokens: write captions, or set class_tokens")
        #expect(try Manifest.make(from: .of([.init(folder.path, classTokens: "")])).pictures[0].caption == "")
    }

    @Test func `notices a picture that is changed afterwards`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("plain.png", as: "a.png")
        let picture = try Manifest.make(from: .of([.init(folder.path)])).pictures[0]
        try folder.copy("gray.png", as: "a.png")
        #expect(sentence { try picture.file() }.contains("a.png is not the picture that the run was planned with"))
    }

    @Test func `tells how far it is`() throws {
        let folder = try TemporaryFolder()
        for name in ["plain.png", "gray.png", "plain.jpg"] { try folder.copy(name) }
        let told = Mutex<[Int]>([])
        _ = try Manifest.make(from: .of([.init(folder.path)])) { done, _ in told.withLock { $0.append(done) } }
        #expect(told.withLock { $0.sorted() } == [1, 2, 3])
    }

    @Test func `prints what was found`() throws {
        let folder = try TemporaryFolder()
        for name in ["a", "b", "c"] { try folder.copy("plain.png", as: "horse/\(name).png") }
        try folder.write("horse/a.txt", "a very long caption indeed")
        for name in ["x", "y"] { try folder.copy("gray.png", as: "reg/\(name).png") }
        let data = TrainingData.of([
            .init(folder.path + "/horse"), .init(folder.path + "/reg", isRegularization: true, classTokens: "animal"),
        ])
        let table = try Manifest.make(from: data)
            .table(data, tokenLimit: 4) { $0.split(separator: " ").count }
            .replacing(folder.path, with: "…")
        #expect(
            table
                == """
                folder                  pictures  captions  repeats  samples/epoch
                …/horse                        3    1 of 3        1              3
                …/reg (regularization)         2    0 of 2      1–2              3
                1 bucket, samples/epoch: 64×64: 6
                1 of 5 captions have more than 4 tokens and lose the rest: a.png (5); shorten them or raise max_token_length
                """.aligned(to: folder.path))
    }
}

extension String {
    /// The first column is as wide as the folder's true path makes it.
    fileprivate func aligned(to path: String) -> String {
        let wider = String(repeating: " ", count: path.count - 1)
        return split(separator: "\n").enumerated().map { row, line in
            row == 0 ? "folder" + wider + line.dropFirst(6) : String(line)
        }.joined(separator: "\n")
    }
}

@Suite struct `Balancing regularization pictures` {
    // kohya's DreamBoothDataset, walked through by hand.
    @Test(arguments: [
        (10, [1, 1, 1], [4, 3, 3]), (3, [1, 1, 1], [1, 1, 1]), (2, [1, 1, 1], [1, 1, 0]), (5, [4, 4, 4], [4, 4, 0]),
        (7, [2, 3], [3, 4]), (0, [1], [0]), (5, [], []), (1_000_000_000, [1, 1], [500_000_000, 500_000_000]),
    ])
    func `ends as soon as there are as many as training samples`(target: Int, repeats: [Int], expected: [Int]) {
        #expect(RegularizationBalance.repeats(target: target, of: repeats) == expected)
    }
}
