package import Foundation

/// A picture that a run made while it trained, known by its file's name: `samples/step-000100-02.png`.
package struct SamplePicture: Hashable, Sendable {
    /// Where they lie in a run's folder.
    package static let folder = "samples"
    /// The prompts as they were used, beside the pictures.
    package static let promptFile = "prompts.txt"
    /// Of a folder with more files, so many are looked at.
    private static let fileLimit = 100_000
    /// The largest files that are read, in bytes.
    private static let promptLimit = 1 << 20
    private static let limit = 32 << 20

    /// Steps that were applied when it was made.
    package let step: Int
    /// Which of the prompts, from 0.
    package let prompt: Int
    package let file: URL

    /// - Returns: nil for a file that is called otherwise.
    package init?(_ file: URL) {
        guard let (step, prompt) = Self.parse(file.lastPathComponent) else { return nil }
        self.step = step
        self.prompt = prompt
        self.file = file
    }

    /// What a run calls a picture.
    package static func name(step: Int, prompt: Int) -> String {
        func padded(_ number: Int, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return "step-\(padded(step, 6))-\(padded(prompt, 2)).png"
    }

    /// The step and the prompt of what ``name(step:prompt:)`` gave; nil for any other name.
    package static func parse(_ name: String) -> (step: Int, prompt: Int)? {
        guard name.utf8.count <= 40, let match = name.wholeMatch(of: /step-([0-9]{6,12})-([0-9]{2,6})\.png/),
            let step = Int(match.1), let prompt = Int(match.2)
        else { return nil }
        return (step, prompt)
    }

    /// Those of a run, by step and prompt; none where there is no such folder.
    package static func all(of run: URL) -> [SamplePicture] {
        let folder = run.appending(path: folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.prefix(fileLimit).compactMap { SamplePicture(folder.appending(path: $0)) }
            .sorted { ($0.step, $0.prompt) < ($1.step, $1.prompt) }
    }

    /// The prompts as they were used; empty where nothing says so, or more than any run writes.
    package static func prompts(of run: URL) -> [String] {
        let path = run.appending(path: folder).appending(path: promptFile).path
        guard let data = bytes(path, limit: promptLimit) else { return [] }
        // As kohya counts them: blank lines and comments are none.
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }

    /// Its bytes and size in pixels; nil for what is no PNG, or larger than anything that a run makes.
    package func read() -> (data: Data, width: Int, height: Int)? {
        guard let data = Self.bytes(file.path, limit: Self.limit), data.count >= 24,
            data.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        else { return nil }
        // IHDR is always the first part: eight bytes of signature, its length and name, then width and height.
        func number(at offset: Int) -> Int { data[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) } }
        let (width, height) = (number(at: 16), number(at: 20))
        guard (1...16_384).contains(width), (1...16_384).contains(height) else { return nil }
        return (data, width, height)
    }

    /// A file's bytes; nil where there is none, or a longer one.
    private static func bytes(_ path: String, limit: Int) -> Data? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: limit + 1), data.count <= limit else { return nil }
        return data
    }
}
