import Images
import Testing

@Suite struct `A picture in memory` {
    /// 3×2 pixels whose samples count up from 0.
    private let image = PixelImage(size: PixelSize(width: 3, height: 2), samples: Array(0..<18))

    @Test func `gives the VAE planes of values in -1...1`() throws {
        let planar = image.planar
        #expect(planar.count == 18)
        // Red is samples 0, 3, 6, …; green 1, 4, 7, ….
        for (place, sample) in [(0, 0), (1, 3), (2, 6), (6, 1), (17, 17)] {
            let expected = (Float(sample) / 255 - 0.5) / 0.5
            #expect(planar[place] == expected)
        }
        #expect(PixelImage(size: PixelSize(width: 1, height: 1), red: 255, green: 0, blue: 255).planar == [1, -1, 1])
        #expect(PixelImage(planar: planar, size: image.size) == image)
    }

    @Test func `made of what a VAE gives is clamped, and black where that is no number`() {
        let image = PixelImage(planar: [7, -7, .nan], size: PixelSize(width: 1, height: 1))
        #expect(image[0, 0] == [255, 0, 0])
    }

    @Test func `is cropped and mirrored by the pixel`() {
        let part = image.cropped(x: 1, y: 1, to: PixelSize(width: 2, height: 1))
        #expect(part.samples == [12, 13, 14, 15, 16, 17])
        #expect(part.flippedHorizontally().samples == [15, 16, 17, 12, 13, 14])
        #expect(image.flippedHorizontally()[0, 0] == [6, 7, 8])
        #expect(image.flippedHorizontally().flippedHorizontally() == image)
    }

    @Test(arguments: [(-1, -1), (0, 0), (2, 1), (5, 5), (-9, 0)])
    func `is pasted as far as it fits`(x: Int, y: Int) {
        var sheet = PixelImage(size: PixelSize(width: 4, height: 3), red: 99, green: 99, blue: 99)
        sheet.paste(image, x: x, y: y)
        for row in 0..<3 {
            for column in 0..<4 {
                let isCovered = (0..<3).contains(column - x) && (0..<2).contains(row - y)
                #expect(sheet[column, row] == (isCovered ? image[column - x, row - y] : [99, 99, 99]))
            }
        }
    }

    @Test(arguments: ["a horse\nSteps: 20, Seed: 7", "一匹马 🐎 on pink", "", "Größe"])
    func `goes to a PNG file and back with its prompt`(prompt: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/out.png"
        try decoded("plain.png").writePNG(to: path, text: ["parameters": prompt, "Software": "Danlu"])

        let file = try PictureFile(path: path)
        #expect(try file.decoded() == decoded("plain.png"))
        #expect(PNGText.read(file.bytes) == ["parameters": prompt, "Software": "Danlu"])
    }

    @Test func `that cannot be written leaves nothing behind`() throws {
        let folder = try TemporaryFolder()
        let sentence = sentence { try image.writePNG(to: folder.path + "/nowhere/out.png") }
        #expect(sentence.hasSuffix("/nowhere/out.png: No such file or directory"))
    }

    @Test func `has no text where a file is no PNG or breaks off`() throws {
        let png = try image.png(text: ["parameters": "a horse"])
        for length in 0..<png.count { _ = PNGText.read(Array(png[..<length])) }
        #expect(PNGText.read(Array(png[..<50])) == [:])
        #expect(PNGText.read([1, 2, 3]) == [:])
    }
}

@Suite struct `A contact sheet` {
    private let picture = PixelImage(size: PixelSize(width: 16, height: 16), red: 200, green: 0, blue: 0)

    @Test func `lays pictures in rows with captions below`() throws {
        let cell = ContactSheet.Cell(picture, caption: "a <horse> & \"deer\" on a pink background")
        let sheet = ContactSheet(columns: 2, cellSide: 64, cells: [cell, cell, cell])
        let rendering = try sheet.rendered()
        #expect(rendering.image.width == 2 * 74 + 10)
        #expect(rendering.image[12, 12] == [200, 0, 0])
        #expect(rendering.image[0, 0] == [255, 255, 255])
        let captionRow = rendering.image.cropped(x: 10, y: 78, to: PixelSize(width: 64, height: 40))
        let hasInk = captionRow.samples.contains { $0 < 128 }
        #expect(hasInk == (rendering.note == nil), "captions, or a note that there are none")
    }

    @Test func `says which letters no font here has`() throws {
        let note = try ContactSheet(columns: 1, cells: [.init(picture, caption: "\u{F123} horse")]).rendered().note
        #expect(note?.contains("\u{F123}") == true || note?.contains("no fonts") == true)
    }

    @Test func `without pictures is refused`() {
        #expect(sentence { try ContactSheet(columns: 2, cells: []).rendered() }.contains("it has no pictures"))
    }
}
