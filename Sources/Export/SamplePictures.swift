package import Foundation

/// A picture that a run made while it trained, known by its file's name: `samples/step-000100-02.png`.
package struct SamplePicture: Hashable, Sendable {
    /// Steps that were applied when it was made.
    package let step: Int
    /// Which of the prompts, from 0.
    package let prompt: Int
    package let file: URL

    /// - Returns: nil for a file that is called otherwise.
    package init?(_ file: URL) {
        guard let match = file.lastPathComponent.wholeMatch(of: /step-([0-9]{6,12})-([0-9]{2,6})\.png/),
            let step = Int(match.1), let prompt = Int(match.2)
        else { return nil }
        self.step = step
        self.prompt = prompt
        self.file = file
    }

    /// Those of a run, by step and prompt; none where there is no such folder.
    package static func all(of run: URL) -> [SamplePicture] {
        let folder = run.appending(path: "samples")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.compactMap { SamplePicture(folder.appending(path: $0)) }
            .sorted { ($0.step, $0.prompt) < ($1.step, $1.prompt) }
    }

    /// The prompts as they were used; empty where nothing says so.
    package static func prompts(of run: URL) -> [String] {
        let file = run.appending(path: "samples/prompts.txt")
        guard let size = try? file.resourceValues(forKeys: [.fileSizeKey]).fileSize, size <= 1 << 20,
            let text = try? String(contentsOf: file, encoding: .utf8)
        else { return [] }
        // As kohya counts them: blank lines and comments are none.
        return text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }

    /// The largest that is read, in bytes.
    private static let limit = 32 << 20

    /// Its bytes and size in pixels; nil for what is no PNG, or larger than anything that a run makes.
    package func read() -> (data: Data, width: Int, height: Int)? {
        guard let size = try? file.resourceValues(forKeys: [.fileSizeKey]).fileSize, size <= Self.limit,
            let data = try? Data(contentsOf: file), data.count >= 24,
            data.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        else { return nil }
        // IHDR is always the first part: eight bytes of signature, its length and name, then width and height.
        func number(at offset: Int) -> Int { data[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) } }
        let (width, height) = (number(at: 16), number(at: 20))
        guard (1...16_384).contains(width), (1...16_384).contains(height) else { return nil }
        return (data, width, height)
    }
}
