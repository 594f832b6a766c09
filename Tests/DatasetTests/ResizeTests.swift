import Images
import Testing

/// Expected pictures are what OpenCV 4.12 and Pillow 12 made (Tests/Fixtures/images/make.py).
@Suite struct `Resizing a picture` {
    @Test(arguments: [(30, 23), (60, 46), (61, 20), (7, 47), (37, 11), (1, 1)])
    func `smaller averages areas exactly as OpenCV's INTER_AREA`(width: Int, height: Int) throws {
        let resized = try decoded("resize-source.png").resized(to: PixelSize(width: width, height: height))
        #expect(largestDifference(resized, try decoded("resize-area-\(width)x\(height).png")) == 0)
    }

    @Test(arguments: [(24, 18), (16, 12), (12, 36), (8, 9)])
    func `by whole numbers does too`(width: Int, height: Int) throws {
        let resized = try decoded("resize-source-even.png").resized(to: PixelSize(width: width, height: height))
        #expect(largestDifference(resized, try decoded("resize-area-even-\(width)x\(height).png")) == 0)
    }

    @Test(arguments: [(97, 71), (61, 90), (80, 31)])
    func `larger on either side is Pillow's LANCZOS exactly`(width: Int, height: Int) throws {
        let resized = try decoded("resize-source.png").resized(to: PixelSize(width: width, height: height))
        #expect(largestDifference(resized, try decoded("resize-lanczos-\(width)x\(height).png")) == 0)
    }

    @Test func `to its own size changes nothing`() throws {
        let image = try decoded("resize-source.png")
        #expect(image.resized(to: image.size) == image)
    }

    @Test(arguments: [(5, 3), (48, 32), (100, 50), (50, 10)])
    func `of one colour keeps it`(width: Int, height: Int) {
        let size = PixelSize(width: width, height: height)
        let image = PixelImage(size: PixelSize(width: 48, height: 32), red: 1, green: 128, blue: 254)
        #expect(image.resized(to: size) == PixelImage(size: size, red: 1, green: 128, blue: 254))
    }
}
