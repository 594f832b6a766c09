import Foundation

/// The pictures that a run drew while it trained: `samples/step-000100-02.png`, and `samples/prompts.txt`.
struct SamplePictures: Codable, Equatable, Sendable {
    static let folder = "samples"
    /// Steps and pictures of a step that are shown; of more, evenly many are left out.
    static let stepLimit = 500
    private static let nameLimit = 100_000
    private static let promptLimit = 100

    /// As they were used; what a caption says is shown as it is.
    var prompts: [String] = []
    /// Ascending.
    var steps: [Int] = []
    /// Prompt numbers, by step.
    var numbers: [[Int]] = []

    init(ofRun run: URL) {
        let folder = run.appending(path: Self.folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var found: [Int: [Int]] = [:]
        for name in names.prefix(Self.nameLimit) {
            guard let (step, number) = Self.parse(name), number < Self.promptLimit else { continue }
            found[step, default: []].append(number)
        }
        let all = found.keys.sorted()
        let stride = max(1, (all.count + Self.stepLimit - 1) / Self.stepLimit)
        // Counted from the end: the newest is always there.
        steps = all.reversed().enumerated().filter { $0.offset % stride == 0 }.map(\.element).reversed()
        numbers = steps.map { found[$0]?.sorted() ?? [] }
        if let text = BoundedFile.text(folder.appending(path: "prompts.txt").path, limit: 64 << 10) {
            // As kohya counts them: blank lines and comments are none.
            prompts = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty && !$0.hasPrefix("#") }.prefix(Self.promptLimit).map { String($0.prefix(1000)) }
        }
    }

    /// The step and the prompt's number of `step-000100-02.png`; nil for any other name.
    static func parse(_ name: String) -> (step: Int, number: Int)? {
        guard name.utf8.count <= 40, let match = name.wholeMatch(of: /step-([0-9]{1,12})-([0-9]{1,3})\.png/),
            let step = Int(match.1), let number = Int(match.2)
        else { return nil }
        return (step, number)
    }
}

/// Files of a run that are read whole, if they are not too long.
enum BoundedFile {
    /// nil where there is none that can be read; longer ones are cut.
    static func text(_ path: String, limit: Int) -> String? {
        data(path, limit: limit).map { String(decoding: $0.data, as: UTF8.self) + ($0.isCut ? "\n…" : "") }
    }

    static func data(_ path: String, limit: Int) -> (data: Data, isCut: Bool)? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: limit + 1) else { return nil }
        return (data.prefix(limit), data.count > limit)
    }
}
