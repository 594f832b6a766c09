import Export
import Foundation
import Testing

@Suite struct `A run's prompts` {
    @Test func `are counted as kohya counts them: blank lines and comments are none`() throws {
        let run = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: run) }
        try FileManager.default.createDirectory(at: run.appending(path: "samples"), withIntermediateDirectories: true)
        let text = "# kinds\na horse --w 64\r\n   \n\n  # none\n  ein Reh \n"
        try Data(text.utf8).write(to: run.appending(path: "samples/prompts.txt"))
        #expect(SamplePicture.prompts(of: run) == ["a horse --w 64", "ein Reh"])
    }
}
