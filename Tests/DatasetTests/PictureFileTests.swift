import Images
import Testing

@Suite struct `A picture file` {
    private let red: [UInt8] = [200, 30, 30]
    private let green: [UInt8] = [30, 200, 30]
    private let blue: [UInt8] = [30, 30, 200]

    @Test(arguments: ["plain.png", "plain.bmp", "plain.webp", "一匹马.png"])
    func `without losses decodes to what was drawn`(name: String) throws {
        let image = try decoded(name)
        #expect(image.size == PixelSize(width: 48, height: 32))
        #expect(image[2, 2] == red)
        #expect(image[46, 2] == green)
        #expect(image[2, 30] == blue)
    }

    // Orientation 3 is upside down, 6 a quarter turn.
    @Test(arguments: ["plain.jpg", "orientation3.jpg", "orientation6.jpg"])
    func `stands upright whatever way the camera lay`(name: String) throws {
        let file = try PictureFile(path: fixture(name))
        #expect(try file.size() == PixelSize(width: 48, height: 32))
        let image = try file.decoded()
        #expect(image.size == PixelSize(width: 48, height: 32))
        for (x, y, colour) in [(6, 6, red), (42, 6, green), (6, 26, blue)] {
            #expect(zip(image[x, y], colour).allSatisfy { abs(Int($0) - Int($1)) <= 3 }, "\(name) at \(x), \(y)")
        }
    }

    @Test func `of 16 bits keeps the upper eight`() throws {
        #expect(try decoded("rgb16.png") == decoded("plain.png"))
        let ramp = try decoded("gray16.png")
        #expect(ramp[0, 0] == [0, 0, 0])
        #expect(ramp[47, 0] == [255, 255, 255])
        #expect(abs(Int(ramp[24, 0][0]) - 130) <= 1)
    }

    @Test func `in gray becomes three equal channels`() throws {
        #expect(try decoded("gray.png")[5, 5] == [77, 77, 77])
    }

    @Test func `lies on white where it is transparent`() throws {
        #expect(try decoded("gray-alpha.png")[5, 5] == [77, 77, 77])
        #expect(try decoded("gray-alpha.png")[40, 5] == [255, 255, 255])
        for name in ["alpha.png", "alpha16.png", "profile-alpha16.png"] {
            let image = try decoded(name)
            #expect(zip(image[2, 2], [10, 20, 30]).allSatisfy { abs(Int($0) - $1) <= 1 }, "\(name), opaque")
            #expect(image[46, 2] == [255, 255, 255], "\(name): not the red that hides below")
            // 10·128/255 + 255·127/255
            #expect(zip(image[24, 2], [132, 137, 142]).allSatisfy { abs(Int($0) - $1) <= 1 }, "\(name), half")
        }
        let palette = try decoded("palette-transparent.png")
        #expect(palette[2, 2] == [255, 255, 255])
        #expect(palette[46, 2] == green)
    }

    @Test func `in CMYK becomes RGB`() throws {
        let image = try decoded("cmyk.jpg")
        #expect(image[5, 5][0] > 180 && image[5, 5][1] < 80 && image[5, 5][2] < 80, "\(image[5, 5])")
    }

    @Test func `with a colour profile is brought to sRGB`() throws {
        #expect(try #require(largestDifference(decoded("profile-srgb.png"), decoded("plain.png"))) <= 1)
        let swapped = try decoded("profile-swapped.png")
        #expect(swapped[2, 2][1] > swapped[2, 2][0] + 100, "red is called green by this profile: \(swapped[2, 2])")
        #expect(try decoded("profile-broken.png") == decoded("plain.png"))
    }

    @Test(arguments: [
        ("empty.png", "is empty (0 bytes)"),
        ("text.png", "is not a PNG, JPEG, WebP or BMP picture but looks like text"),
        ("gif.png", "looks like a GIF"),
        ("truncated.jpg", "is damaged or cut short"),
        ("truncated.png", "is damaged or cut short"),
        ("truncated.webp", "is damaged or cut short"),
        ("promises-too-much.png", "is 65000×65000 pixels and too large"),
    ])
    func `that is broken is refused by name and reason`(name: String, reason: String) {
        let sentence = sentence { try decoded(name) }
        #expect(sentence.contains(name) && sentence.contains(reason), "\(sentence)")
        #expect(!sentence.contains("\n"))
    }

    @Test func `that is not there, or is a folder, is refused with the system's reason`() {
        #expect(sentence { try decoded("nowhere.png") }.hasSuffix("nowhere.png: No such file or directory"))
        #expect(sentence { try PictureFile(path: fixture("")) }.hasSuffix("it is not a regular file"))
    }

    @Test func `30,000 pixels wide decodes`() throws {
        let file = try PictureFile(path: fixture("wide-30000.png"))
        #expect(try file.size() == PixelSize(width: 30_000, height: 16))
        #expect(try file.decoded()[29_999, 15] == [9, 9, 9])
    }

    @Test func `is judged by its bytes, not its name`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.copy("plain.webp", as: "really-a.png")
        #expect(try PictureFile(path: path).decoded() == decoded("plain.png"))
    }

    @Test func `cut anywhere is refused, never a crash`() throws {
        for name in ["plain.png", "plain.jpg", "plain.webp", "plain.bmp"] {
            let bytes = try readFile(fixture(name), limit: 1 << 20)
            for length in stride(from: 1, to: bytes.count - 16, by: max(1, bytes.count / 23)) {
                #expect(throws: (any Error).self, "\(name) cut to \(length)") {
                    try PictureFile(path: name, bytes: Array(bytes[..<length])).decoded()
                }
            }
        }
    }
}
