import Foundation
import Testing

@testable import Journal

@Suite struct `A run's pictures` {
    private let run = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: run.appending(path: "samples"), withIntermediateDirectories: true)
    }

    private func write(_ data: Data, to name: String) throws {
        try data.write(to: run.appending(path: "samples").appending(path: name))
    }

    @Test func `have prompts that are counted as kohya counts them: blank lines and comments are none`() throws {
        defer { try? FileManager.default.removeItem(at: run) }
        #expect(SamplePicture.prompts(of: run) == [])
        let text = "# kinds\na horse --w 64\r\n   \n\n  # none\n  ein Reh \n"
        try write(Data(text.utf8), to: "prompts.txt")
        #expect(SamplePicture.prompts(of: run) == ["a horse --w 64", "ein Reh"])
        try write(Data(repeating: 0x41, count: 1 << 20 + 1), to: "prompts.txt")
        #expect(SamplePicture.prompts(of: run) == [], "no run writes so much")
    }

    @Test func `are known by their names, and by nothing else`() throws {
        defer { try? FileManager.default.removeItem(at: run) }
        for (step, prompt) in [(0, 0), (100, 2), (999_999, 99), (1_000_000, 100)] {
            let parsed = SamplePicture.parse(SamplePicture.name(step: step, prompt: prompt))
            #expect(parsed?.step == step && parsed?.prompt == prompt)
        }
        for name in [
            "step-1.png", "step-000100-02.png.partial", "../step-000100-02.png", "step--00001-02.png", "",
            "step-0000000000001-02.png", "step-000100-2.png", "step-000100-02.PNG", "prompts.txt",
        ] {
            #expect(SamplePicture.parse(name) == nil, "\(name)")
            if !name.isEmpty, !name.contains("/") { try write(Data(), to: name) }
        }
        #expect(SamplePicture.all(of: run) == [])
        for (step, prompt) in [(200, 0), (7, 1), (7, 0)] {
            try write(Data(), to: SamplePicture.name(step: step, prompt: prompt))
        }
        #expect(SamplePicture.all(of: run).map { [$0.step, $0.prompt] } == [[7, 0], [7, 1], [200, 0]])
    }

    @Test func `are read when they are pictures of a size that a run makes`() throws {
        defer { try? FileManager.default.removeItem(at: run) }
        let name = SamplePicture.name(step: 1, prompt: 0)
        let picture = try #require(SamplePicture(run.appending(path: "samples").appending(path: name)))
        #expect(picture.read() == nil, "there is none")
        var png = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]) + Data("IHDR".utf8)
        png += [0, 0, 2, 0, 0, 0, 1, 0]
        try write(png, to: name)
        #expect(picture.read()?.width == 512 && picture.read()?.height == 256)
        png[16] = 0x7F
        for bad in [png, Data(png.prefix(20)), Data("no picture".utf8), Data(count: 32 << 20 + 1)] {
            try write(bad, to: name)
            #expect(picture.read() == nil)
        }
    }
}
