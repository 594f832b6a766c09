import Foundation
import Journal

/// The pictures that a run drew while it trained, as the page is told of them.
struct SamplesView: Codable, Equatable, Sendable {
    /// Steps and pictures of a step that are shown; of more steps, evenly many are left out.
    static let stepLimit = 500
    static let promptLimit = 100
    private static let promptLength = 1000

    /// As they were used; what a caption says is shown as it is.
    var prompts: [String] = []
    /// Ascending.
    var steps: [Int] = []
    /// Prompt numbers, by step.
    var numbers: [[Int]] = []

    init(ofRun run: URL) {
        let pictures = SamplePicture.all(of: run).filter { $0.prompt < Self.promptLimit }
        let found = Dictionary(grouping: pictures, by: \.step)
        let all = found.keys.sorted()
        let stride = max(1, (all.count + Self.stepLimit - 1) / Self.stepLimit)
        // Counted from the end: the newest is always there.
        steps = all.reversed().enumerated().filter { $0.offset % stride == 0 }.map(\.element).reversed()
        numbers = steps.map { found[$0]?.map(\.prompt) ?? [] }
        prompts = SamplePicture.prompts(of: run).prefix(Self.promptLimit).map { String($0.prefix(Self.promptLength)) }
    }

    /// When something was last put into the folder of a run's pictures or taken out; nil where there is none.
    static func stamp(ofRun run: URL) -> Date? {
        let path = run.appending(path: SamplePicture.folder).path
        return (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
    }
}

/// Files of a run that are read whole, if they are not too long.
enum BoundedFile {
    /// nil where there is none that can be read; longer ones are cut.
    static func text(_ path: String, limit: Int) -> String? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: limit + 1) else { return nil }
        return String(decoding: data.prefix(limit), as: UTF8.self) + (data.count > limit ? "\n…" : "")
    }
}
