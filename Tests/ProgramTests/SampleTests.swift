import Foundation
import Images
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `makes pictures` {
        private let furnace: Furnace
        private static let lora = Furnace.fixtures.appending(path: "training/tiny-sd1.adapter.safetensors").path

        init() throws { furnace = try Furnace() }

        private func sample(_ more: String..., to output: String) throws -> Launched.Ended {
            let words = [
                "sample", "--model", Furnace.model.path, "--steps", "3", "--width", "28", "--height", "20",
                "--threads", "1", "--device", "cpu", "--output", output,
            ]
            return try Launched(words + more, in: furnace.folder).end()
        }

        private func bytes(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: furnace.folder.appending(path: name)))
        }

        @Test func `of the size that was asked for, with what they were made of in them`() throws {
            let ended = try sample(
                "--prompt", "a horse, 一匹马", "--negative", "a deer", "--seed", "41", "--lora", Self.lora + ":0.8",
                to: "pictures")
            #expect(ended.status == 0 && ended.errors.isEmpty)
            #expect(ended.output == furnace.path("pictures/000-41.png") + "\n")
            let picture = try bytes("pictures/000-41.png")
            #expect(try PictureFile(path: "", bytes: picture).decoded().size == PixelSize(width: 28, height: 20))
            let text = try #require(PNGText.read(picture)["parameters"])
            #expect(text.hasPrefix("a horse, 一匹马\nNegative prompt: a deer\nSteps: 3, Sampler: ddim, "))
            #expect(text.contains("Seed: 41, Size: 28x20, Model: tiny-sd1 <lora:tiny-sd1.adapter:0.8>, "))
        }

        @Test func `of the same bytes for the same seed, and others for another`() throws {
            for (seed, folder) in [("1", "a"), ("1", "b"), ("2", "c")] {
                #expect(try sample("--prompt", "a horse", "--seed", seed, to: folder).status == 0)
            }
            #expect(try bytes("a/000-1.png") == bytes("b/000-1.png"))
            #expect(try bytes("a/000-1.png") != bytes("c/000-2.png"))
        }

        @Test func `with several LoRAs, as much of each as was said`() throws {
            let pixels = { (name: String) in try PictureFile(path: "", bytes: bytes(name)).decoded() }
            #expect(try sample("--prompt", "a horse", to: "base").status == 0)
            #expect(try sample("--prompt", "a horse", "--lora", Self.lora, to: "one").status == 0)
            let halves = ["--lora", Self.lora + ":0.25", "--lora", Self.lora + ":0.75"]
            #expect(
                try sample("--prompt", "a horse", halves[0], halves[1], halves[2], halves[3], to: "two").status == 0)
            let none = ["--lora", Self.lora + ":0.5", "--lora", Self.lora + ":-0.5"]
            #expect(try sample("--prompt", "a horse", none[0], none[1], none[2], none[3], to: "none").status == 0)

            let (base, one) = try (pixels("base/000-0.png"), pixels("one/000-0.png"))
            #expect(base != one)
            #expect(try distance(pixels("two/000-0.png"), one) <= 1)
            #expect(try distance(pixels("none/000-0.png"), base) <= 1)
        }

        /// The greatest difference of two pixels, in levels of 255.
        private func distance(_ a: PixelImage, _ b: PixelImage) -> Int {
            zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max() ?? 255
        }

        @Test func `from a file of prompts, each with settings of its own`() throws {
            let prompts =
                "# a comment\na horse --d 5 --w 24 --h 24 --s 2\n\na deer --n a horse --d 6 --l 3 --ss euler_a\n"
            try Data(prompts.utf8).write(to: furnace.folder.appending(path: "prompts.txt"))
            #expect(try sample("--prompts", "prompts.txt", to: "out").status == 0)
            #expect(try PictureFile(path: furnace.path("out/000-5.png")).size() == PixelSize(width: 24, height: 24))
            let text = try #require(PNGText.read(bytes("out/001-6.png"))["parameters"])
            #expect(text.contains("Sampler: euler_a, CFG scale: 3.0, Seed: 6, Size: 28x20"))
        }
    }
}
