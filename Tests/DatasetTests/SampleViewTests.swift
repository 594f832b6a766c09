import Dataset
import Images
import Recipe
import Testing

@Suite struct `What a sample sees of its picture` {
    private func picture(_ name: String) throws -> Manifest.Picture {
        let folder = try TemporaryFolder()
        try folder.copy(name)
        return try Manifest.make(from: .of([.init(folder.path)])).pictures[0]
    }

    private func view(
        _ picture: Manifest.Picture, repetition: Int = 0, _ change: (inout TrainingData.Subset) -> Void
    ) -> SampleView {
        var subset = TrainingData.Subset()
        change(&subset)
        return SampleView(of: picture, in: subset, seed: 5, epoch: 0, repetition: repetition)
    }

    @Test func `is the middle of it, resized to cover the bucket`() throws {
        let picture = try picture("plain.png")
        let view = view(picture) { _ in }
        #expect(view == SampleView(of: picture))
        #expect((view.cropX, view.cropY) == (16, 0))
        let file = try PictureFile(path: fixture("plain.png"))
        let expected = try file.decoded().resized(to: PixelSize(width: 96, height: 64))
            .cropped(x: 16, y: 0, to: PixelSize(width: 64, height: 64))
        #expect(try view.image(of: file) == expected)
        #expect(try view.pixels(of: file) == expected.planar)
    }

    @Test func `is any part alike often where crops are random`() throws {
        let picture = try picture("plain.png")
        let corners = (0..<2000).map { view(picture, repetition: $0) { $0.randomCrop = true }.cropX }
        #expect(corners.min() == 0 && corners.max() == 32)
        #expect(abs(corners.reduce(0, +) / 2000 - 16) <= 1)
        #expect(Set(corners).count == 33)
    }

    @Test func `is mirrored every other time where that is asked for`() throws {
        let picture = try picture("plain.png")
        let flips = (0..<2000).count { view(picture, repetition: $0) { $0.flipAugmentation = true }.isFlipped }
        #expect((900...1100).contains(flips))

        let file = try PictureFile(path: fixture("plain.png"))
        let repetition = try #require(
            (0..<50).first { view(picture, repetition: $0) { $0.flipAugmentation = true }.isFlipped })
        let mirrored = view(picture, repetition: repetition) { $0.flipAugmentation = true }
        #expect(try mirrored.image(of: file) == SampleView(of: picture).image(of: file).flippedHorizontally())
    }
}
